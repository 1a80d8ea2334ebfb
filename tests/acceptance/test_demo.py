"""The demo as a newcomer runs it: one command, real servers, numbers that are right."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

EVENTS = 20_000
"""The last three weeks of the year: enough for every KPI, few enough for a test."""

DAYS = 14
"""As much of the shop."""

GOALS = {"targets": 105, "projections": 32, "contributions": 37, "scores": 12, "explanations": 2}
"""Every window of a KPI with a target; those of them to date; every breakdown of what adds up or is a
quotient; every scorecard and objective; one KPI of each catalogue."""

FILES = sorted((Path(__file__).parents[2] / "kpis").glob("*.yaml"))

WITHIN_S = 150.0


@contextlib.asynccontextmanager
async def demo(home: Path, *arguments: str) -> AsyncIterator[Process]:
    """`tidemark demo` with *arguments*, asked to stop at the end if it has not."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from services.cli import app; app()", "demo", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        limit=2**24,
        env=os.environ | {"TIDEMARK_HOME": str(home)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def judged_once(home: Path, events: int) -> tuple[int | None, Any]:
    """The exit code and the document of a demo that ends by itself."""
    async with demo(home, "--once", "--json", "--events", str(events), "--days", str(DAYS)) as process:
        async with asyncio.timeout(WITHIN_S):
            out, complaints = await process.communicate()
    assert out, complaints.decode()
    return process.returncode, json.loads(out.splitlines()[-1])


@pytest.mark.asyncio
async def test_once(tmp_path: Path) -> None:
    """The demo ends well: every value is the oracle's, the alert has come, nothing is lost."""
    code, found = await judged_once(tmp_path, EVENTS)

    assert [one for one in found["values"] if not one["equal"]] == []
    assert {(one["kpi"], one["window"]) for one in found["values"]} == _all_windows()
    assert [one for one in found["goals"] if not one["equal"]] == []
    assert _goals(found) == GOALS
    assert found["alerts_received"] == 1
    assert found["ledger"]["consumed"] == found["events"] > EVENTS
    assert found["ledger"]["duplicate"] > 0
    assert found["ledger"]["dead_lettered"] == 0
    assert code == 0


@pytest.mark.asyncio
async def test_again(tmp_path: Path) -> None:
    """A second run finds nothing of the first: its numbers are those of its own events."""
    await judged_once(tmp_path, 2000)
    code, found = await judged_once(tmp_path, 3000)

    assert found["ledger"]["consumed"] == found["events"]
    assert code == 0


@pytest.mark.asyncio
async def test_staying_up(tmp_path: Path) -> None:
    """Without --once the services stay until Ctrl-C, and then nothing of the demo is left running."""
    async with demo(tmp_path, "--events", "2000", "--days", "3") as process, asyncio.timeout(WITHIN_S):
        await _until_said(process, "stay up until Ctrl-C")
        process.send_signal(signal.SIGINT)
        await process.communicate()

    assert process.returncode == 0
    assert _processes_of(tmp_path) == []


@pytest.mark.nightly
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_the_whole_year(tmp_path: Path) -> None:
    """All 336,776 flights and 60 days of the shop, within the three minutes of the README, set-up apart."""
    async with demo(tmp_path, "--once", "--json") as process, asyncio.timeout(300):
        out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()

    found = json.loads(out.splitlines()[-1])
    assert 336_776 + 40_000 < found["events"] < 336_776 + 60_000
    assert found["seconds"] < 180


def _goals(found: Any) -> dict[str, int]:
    """How many goals of each sort were compared; of targets, those of totals."""
    totals = [one for one in found["goals"] if one["sort"] != "targets" or "=" not in one["name"]]
    return dict(Counter(one["sort"] for one in totals))


def _all_windows() -> set[tuple[str, str]]:
    """Every KPI that counts, with each of its windows."""
    kpis = [kpi for file in FILES for kpi in yaml.safe_load_all(file.read_text("utf-8"))]
    return {
        (kpi["slug"], window)
        for kpi in kpis
        if kpi["kind"] == "KPI" and kpi.get("status") != "draft"
        for window in kpi["windows"]
    }


async def _until_said(process: Process, words: str) -> None:
    assert process.stderr is not None
    while words not in (line := (await process.stderr.readline()).decode()):
        assert line, "the demo ended too early"


def _processes_of(home: Path) -> list[str]:
    """The command lines of living processes that were told of *home*, by argument or by environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (directory / "cmdline").read_bytes() + (directory / "environ").read_bytes()
            if str(home).encode() in told and int(directory.name) != os.getpid():
                found.append(directory.name)
    return found
