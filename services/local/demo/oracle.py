"""The oracle of the source tree as a process of its own: nothing of it is imported."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from services.local.demo.expectations import Goal
from services.local.demo.failures import OracleFailedError
from services.local.demo.judging import Expected

WITHIN_S = 240.0
"""The oracle needs half a minute for the whole year on an idle machine."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the oracle is asked.

    Attributes:
        source_tree: where it lies.
        kpis: the KPI files.
        bootstrap_servers: Kafka.
        topic: where the raw events are.
        at: the instant of the values.
        goals_at: the instant of targets, paces, contributions and scores.
    """

    source_tree: Path
    kpis: Sequence[Path]
    bootstrap_servers: str
    topic: str
    at: datetime
    goals_at: datetime


async def second_opinion(question: Question) -> tuple[list[Expected], list[Goal]]:
    """What the oracle makes of the raw events: all values, and all goals.

    Raises:
        OracleFailedError: it ended with an error or not in time.
    """
    written = await _written(question)
    found = msgspec.json.Decoder(Expected | Goal).decode_lines(written)
    values = [one for one in found if isinstance(one, Expected)]
    return values, [one for one in found if not isinstance(one, Expected)]


async def _written(question: Question) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.oracle", "--topic", question.topic),
        *(part for file in question.kpis for part in ("--kpis", str(file))),
        *("--bootstrap", question.bootstrap_servers),
        *("--at", question.at.isoformat(), "--goals-at", question.goals_at.isoformat()),
        cwd=question.source_tree,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            written, complaints = await process.communicate()
    except TimeoutError:
        raise OracleFailedError(f"no answer within {WITHIN_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise OracleFailedError(complaints.decode(errors="replace"))
    return written
