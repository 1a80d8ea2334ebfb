"""Services as processes: one that dies is named, with the end of its log."""

import asyncio
import sys
from pathlib import Path

import pytest

from services.local.demo.failures import ServiceDiedError
from services.local.demo.fleet import Fleet, Service


async def a_fleet(tmp_path: Path, program: str) -> tuple[Fleet, asyncio.subprocess.Process]:
    """A fleet of one process that runs *program*, whose log has two lines."""
    log = tmp_path / "compute.log"
    log.write_text("began\nthe disk is full\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE
    )
    return Fleet({"compute": (Service("compute", 0, log), process)}), process


@pytest.mark.asyncio
async def test_a_death_ends_the_work(tmp_path: Path) -> None:
    """Work that would wait for ever ends when a service does, and the message says which and why."""
    fleet, _ = await a_fleet(tmp_path, "raise SystemExit(3)")

    with pytest.raises(ServiceDiedError, match=r"(?s)compute service ended with code 3.*the disk is full"):
        await fleet.unless_one_dies(asyncio.Event().wait())


@pytest.mark.asyncio
async def test_work_is_done_while_all_live(tmp_path: Path) -> None:
    """What the work returns comes back, and what it raises is raised."""

    async def fails() -> None:
        raise ValueError("spilt")

    fleet, process = await a_fleet(tmp_path, "input()")
    try:
        assert await fleet.unless_one_dies(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ValueError, match="spilt"):
            await fleet.unless_one_dies(fails())
    finally:
        process.kill()
        await process.wait()
