"""The audit log, read over HTTP and at the command line, and its chain checked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from sqlalchemy import text
from typer.testing import CliRunner, Result

from services import cli
from shared.domain.access import Scope
from shared.storage.engine import transaction
from tests.integration.access_rig import Locked, locked_api

Run = Callable[..., Result]

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Locked]:
    """An API on a database whose log has three entries: keys that were made."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    async with locked_api(database_url) as opened:
        for scope in (Scope.ADMIN, Scope.READ, Scope.READ):
            await opened.make(scope)
        yield opened


async def _run(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, cli.build(called="audit"), ["audit", *arguments])


async def test_pages(api: Locked) -> None:
    """All entries come once, the newest first, however they are cut into pages; each page tells the head."""
    async with api.client(await api.token(Scope.ADMIN)) as admin:
        whole = (await admin.get("/v1/audit")).json()
        seen, cursor = [], ""
        while cursor is not None:
            query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
            page = (await admin.get("/v1/audit", params=query)).json()
            seen += page["items"]
            cursor = page["next_cursor"]

    assert [entry["seq"] for entry in whole["items"]] == [4, 3, 2, 1]
    assert seen == whole["items"]
    assert whole["head"] == f"4:{whole['items'][0]['hash']}"


async def test_filters(api: Locked) -> None:
    """Entries are found by who, what, to what and when; nothing else is a filter."""
    async with api.client(await api.token(Scope.ADMIN)) as admin:
        one = (await admin.get("/v1/audit")).json()["items"][1]
        found = [
            len((await admin.get("/v1/audit", params=query)).json().get("items", "x"))
            for query in (
                {"subject": one["subject"]},
                {"actor": "cli:tests"},
                {"action": "key.revoke"},
                {"from": one["at"]},
                {"to": one["at"]},
            )
        ]
        bad = [
            (await admin.get("/v1/audit", params=query)).status_code
            for query in (
                {"who": "me"},
                {"from": "now"},
                {"cursor": "6"},
                {"actor": "\0"},
                {"limit": "0"},
            )
        ]

    assert found == [1, 4, 0, 2, 2]
    assert bad == [400] * 5


async def test_verified(api: Locked) -> None:
    """A log in order is told with its head, which is accepted later on."""
    first = await _run("verify", "--json")
    head = json.loads(first.stdout)["head"]
    await api.make(Scope.READ)
    later = await _run("verify", "--head", head)

    assert (first.exit_code, json.loads(first.stdout)["broken"]) == (0, None)
    assert (later.exit_code, later.stdout.split()[0]) == (0, "4")


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'me' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
    ],
)
async def test_broken(api: Locked, statement: str, broken: int) -> None:
    """A row that was changed or removed by hand is named, and the exit status says so."""
    async with transaction(api.engine) as connection:
        await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        await connection.execute(text(statement))
    result = await _run("verify")
    told = await _run("verify", "--json")

    assert (result.exit_code, told.exit_code) == (1, 1)
    assert f"entry {broken} " in result.output
    assert json.loads(told.stdout)["broken"] == broken


async def test_cut_short(api: Locked) -> None:
    """Entries that were cut off with their head are found by the head that was kept."""
    head = json.loads((await _run("verify", "--json")).stdout)["head"]
    async with transaction(api.engine) as connection:
        await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        await connection.execute(text("DELETE FROM audit WHERE seq = 3"))
        await connection.execute(
            text("UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)")
        )
    alone = await _run("verify")
    known = await _run("verify", "--head", head)

    assert (alone.exit_code, known.exit_code) == (0, 1)
    assert "up to entry 3" in known.output


@pytest.mark.parametrize("head", ["", "3", "3:00", "x:" + "00" * 32])
async def test_no_heads(api: Locked, head: str) -> None:
    """A head that cannot be one is refused rather than found missing."""
    assert (await _run("verify", "--head", head)).exit_code == 2


async def test_listed(api: Locked) -> None:
    """The command line lists what the API lists."""
    listed = json.loads((await _run("list", "--json", "--actor", "cli:tests")).stdout)

    assert [entry["seq"] for entry in listed] == [3, 2, 1]
    assert "key.create" in (await _run("list")).stdout
