"""What the stack remembers survives, stays private, and is not mistaken for the user's own servers."""

import json
import stat
from pathlib import Path

import pytest

from services.local.failures import LocalStackError
from services.local.state import (
    OwnServers,
    StackState,
    amend_state,
    exports,
    load_state,
    own_servers,
    save_state,
    sole_change,
)
from shared.runtime.local_addresses import LocalAddresses, addresses_file, local_addresses

UP = StackState(is_up=True, kafka_bootstrap_servers="127.0.0.1:2", database_url="postgresql://t:s@h:1/t")


def test_round_trip(tmp_path: Path) -> None:
    """What was saved is what is loaded."""
    save_state(tmp_path, UP)

    assert load_state(tmp_path) == UP


def test_private(tmp_path: Path) -> None:
    """The file holds a password, so only its owner can read it."""
    save_state(tmp_path, UP)

    assert stat.S_IMODE(addresses_file(tmp_path).stat().st_mode) == 0o600


def test_amend_keeps_the_rest(tmp_path: Path) -> None:
    """A change to one field leaves the others."""
    save_state(tmp_path, UP)
    amend_state(tmp_path, kafka_port=7)

    assert (7, UP.database_url) == (load_state(tmp_path).kafka_port, load_state(tmp_path).database_url)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"unknown": 1}'])
def test_damaged_file(tmp_path: Path, text: str) -> None:
    """A damaged file is an empty memory, for the stack and for the services."""
    addresses_file(tmp_path).write_text(text)

    assert StackState() == load_state(tmp_path)
    assert local_addresses(tmp_path) is None


def test_services_find_the_stack(tmp_path: Path) -> None:
    """Services read the addresses of a stack that is up."""
    save_state(tmp_path, UP)

    assert LocalAddresses("127.0.0.1:2", "postgresql://t:s@h:1/t") == local_addresses(tmp_path)


def test_services_do_not_find_a_stack_that_is_down(tmp_path: Path) -> None:
    """Remembered addresses of a stack that is down are not used."""
    save_state(tmp_path, UP)
    amend_state(tmp_path, is_up=False)

    assert local_addresses(tmp_path) is None


def test_services_get_defaults_for_the_rest(tmp_path: Path) -> None:
    """A stack of one server leaves the other at its default."""
    addresses_file(tmp_path).write_text(json.dumps({"is_up": True, "kafka_bootstrap_servers": "127.0.0.1:2"}))

    found = local_addresses(tmp_path)

    assert found == LocalAddresses("127.0.0.1:2", "postgresql://tidemark@127.0.0.1:5432/tidemark")


def test_home_from_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TIDEMARK_HOME says which stack is meant."""
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    save_state(tmp_path, UP)

    assert local_addresses() == local_addresses(tmp_path)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, OwnServers(), id="nothing"),
        pytest.param({"TIDEMARK_DATABASE_URL": ""}, OwnServers(), id="empty"),
        pytest.param(
            {"TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": "b:1"},
            OwnServers(kafka_bootstrap_servers="b:1"),
            id="broker",
        ),
        pytest.param(
            {"TIDEMARK_DATABASE_URL": "postgresql://d"},
            OwnServers(database_url="postgresql://d"),
            id="database",
        ),
        pytest.param(
            {
                "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:2",
                "TIDEMARK_DATABASE_URL": "postgresql://t:s@h:1/t",
            },
            OwnServers(),
            id="what the stack itself exported",
        ),
    ],
)
def test_own_servers(environment: dict[str, str], expected: OwnServers) -> None:
    """A variable names a server of one's own, unless it repeats what `up` printed."""
    assert expected == own_servers(UP, environment)


def test_exports_are_quoted() -> None:
    """The lines are safe to source whatever the address holds."""
    lines = exports(LocalAddresses("b:1", "postgresql://u:a$b@h/d"))

    assert "export TIDEMARK_DATABASE_URL='postgresql://u:a$b@h/d'\n" in lines


@pytest.mark.asyncio
async def test_one_change_at_a_time(tmp_path: Path) -> None:
    """While one command changes the stack, another waits and then says so."""
    async with sole_change(tmp_path):
        with pytest.raises(LocalStackError, match="still changing"):
            async with sole_change(tmp_path, timeout_s=0.1):
                pass
