"""`tidemark deadletter`: what was refused is shown, and sent again as it first arrived."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from services.ingest.deadletter_commands import app
from tests.integration.ingest_rig import Place, forwarded, refused_twice


def run(kafka: str, *arguments: str) -> Any:
    """What the command prints, as JSON."""
    found = CliRunner(env={"TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": kafka}).invoke(app, [*arguments, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.fixture
def place(kafka: str, unique: str) -> Place:
    """A source topic from which two records were refused, for different reasons."""
    return asyncio.run(refused_twice(kafka, unique))


def test_list(place: Place) -> None:
    """Dead letters are listed with the reason, the place they came from and the beginning of the value."""
    found = run(place.kafka, "list", "--from", place.name)

    assert sorted((row["reason"], row["from"], row["preview"][:7]) for row in found) == [
        ("malformed_json", f"{place.name}/2/0", "no json"),
        ("time_too_old", f"{place.name}/3/0", '{"specv'),
    ]


def test_list_by_reason(place: Place) -> None:
    """A reason narrows the list, a limit keeps the newest."""
    by_reason = run(place.kafka, "list", "--from", place.name, "--reason", "malformed_json")
    newest = run(place.kafka, "list", "--from", place.name, "--limit", "1")

    offsets = [row["offset"] for row in run(place.kafka, "list", "--from", place.name)]
    assert [row["reason"] for row in by_reason] == ["malformed_json"]
    assert [row["offset"] for row in newest] == [max(offsets)]


def test_dry_run(place: Place) -> None:
    """A dry run counts and sends nothing."""
    tally = run(place.kafka, "retry", "--from", place.name, "--dry-run")

    assert tally == {"chosen": 2, "sent": 0, "truncated": 0}
    assert asyncio.run(place.lag()) == 0


def test_retry(place: Place) -> None:
    """A retried record is refused again for the same reason, with the value it first had."""
    tally = run(place.kafka, "retry", "--from", place.name, "--reason", "malformed_json")
    asyncio.run(forwarded(place))
    dead = asyncio.run(place.dead())

    assert tally == {"chosen": 1, "sent": 1, "truncated": 0}
    assert [value for letter, value in dead if letter.reason == "malformed_json"] == [b"no json"] * 2
    assert {letter.partition for letter, _ in dead if letter.reason == "malformed_json"} == {2}


def test_retry_elsewhere(place: Place, unique: str) -> None:
    """Dead letters can be sent to another topic, such as one whose mapping knows what to do with them."""
    other = Place(place.kafka, f"{unique}-other")
    asyncio.run(other.send([]))
    run(place.kafka, "retry", "--from", place.name, "--topic", other.name)

    assert asyncio.run(other.lag()) == 2


def test_retry_needs_a_choice(kafka: str) -> None:
    """Nothing is sent again by accident: all of them have to be asked for."""
    found = CliRunner(env={"TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": kafka}).invoke(app, ["retry"])

    assert found.exit_code == 2
