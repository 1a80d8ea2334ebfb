"""`tidemark key`: the first key, and the rest of a key's life, straight on the database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from services import cli
from shared.domain.access import Scope
from tests.integration.access_rig import Locked, locked_api

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on the test's database."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    return lambda *arguments: CliRunner().invoke(cli.build(called="key"), ["key", *arguments])


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Locked]:
    """An API on the same database."""
    async with locked_api(database_url) as opened:
        yield opened


def _made(run: Run, *arguments: str) -> str:
    result = run("create", "first", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.mark.asyncio
async def test_the_first_key(run: Run, api: Locked) -> None:
    """On an empty database one command makes a key, prints nothing else to standard output, and it opens."""
    async with api.client() as client:
        before = (await client.get("/readyz")).json()["checks"]["access"]["reason"]
    token = await asyncio.to_thread(_made, run, "--scope", "admin", "--scope", "read")
    async with api.client(token) as client:
        statuses = [(await client.get(path)).status_code for path in ("/v1/keys", "/v1/kpis")]

    assert "tidemark key create" in before
    assert statuses == [200, 200]


def test_life(run: Run) -> None:
    """A key is listed with what it may do and see, rotated and revoked; no list has a secret."""
    token = _made(run, "--scope", "read", "--department", "finance", "--kpi", "revenue", "--valid-for", "30m")
    key_id = token.split("_")[1]
    rotated = run("rotate", key_id, "--overlap", "1h").stdout.strip()
    revoked = run("revoke", key_id)
    listed = json.loads(run("list", "--json").stdout)
    table = run("list").stdout

    assert rotated != token
    assert rotated.split("_")[1] == key_id
    assert (revoked.exit_code, run("rotate", key_id).exit_code) == (0, 1)
    assert [(key["key_id"], key["state"], key["scopes"]) for key in listed] == [
        (key_id, "revoked", [Scope.READ])
    ]
    assert (listed[0]["departments"], listed[0]["kpis"]) == (["finance"], ["revenue"])
    assert key_id in table
    assert not any(secret.split("_")[2] in json.dumps(listed) + table for secret in (token, rotated))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "first"), "--scope"),
        (("create", "first", "--scope", "everything"), "everything"),
        (("create", "", "--scope", "read"), "name: "),
        (("create", "first", "--scope", "read", "--valid-for", "soon"), "30m, 12h or 90d"),
        (("create", "first", "--scope", "admin", "--kpi", "revenue"), "admin cannot be limited"),
        (("rotate", "0" * 16), "there is no key"),
        (("rotate", "0" * 16, "--overlap", "8d"), "there is no key"),
        (("revoke", "0" * 16), "there is no key"),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """What cannot be done is told with the reason, and the exit status says so."""
    result = run(*arguments)

    assert result.exit_code != 0
    assert said in result.output


def test_no_long_overlap(run: Run) -> None:
    """Two secrets at once are for a change of hands, not for ever."""
    key_id = _made(run, "--scope", "read").split("_")[1]
    result = run("rotate", key_id, "--overlap", "8d")

    assert (result.exit_code, "overlap_s" in result.output) == (1, True)
