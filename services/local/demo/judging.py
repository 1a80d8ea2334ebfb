"""Asking the API and the oracle the same questions; neither sees the other's answers."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path

import httpx2
import msgspec

from services.local.demo.failures import ApiFailedError, OracleFailedError

SIGNIFICANT = Context(prec=12, rounding=ROUND_HALF_EVEN)
"""Averages and formulas are quotients: both sides are rounded to 12 significant digits before comparing."""

ORACLE_WITHIN_S = 120.0
"""The oracle needs ten seconds for the whole year on an idle machine."""

_QUESTIONS_AT_ONCE = 4

Dimensions = Mapping[str, str | None]


class Expected(msgspec.Struct, frozen=True):
    """A line of the oracle: what a KPI over a window is at the instant asked for."""

    kpi: str
    window: str
    dimensions: Dimensions
    value: Decimal | None
    n: int
    window_start: datetime
    window_end: datetime
    exact: bool


class Answer(msgspec.Struct, frozen=True):
    """What the API says, as far as it is compared."""

    value: Decimal | None
    n: int
    unit: str | None
    status: str | None
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """One value by both."""

    answer: Answer
    expected: Expected

    @property
    def equal(self) -> bool:
        """Whether both say the same: of the value, of the window, and of the number of events in it."""
        ours, theirs = self.answer, self.expected
        return (
            _same(ours.value, theirs.value, exact=theirs.exact)
            and ours.n == theirs.n
            and (ours.window_start, ours.window_end) == (theirs.window_start, theirs.window_end)
        )


def _same(ours: Decimal | None, theirs: Decimal | None, *, exact: bool) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return ours == theirs if exact else SIGNIFICANT.plus(ours) == SIGNIFICANT.plus(theirs)


async def expected_values(
    *, source_tree: Path, kpis: Sequence[Path], bootstrap_servers: str, topic: str, at: datetime
) -> list[Expected]:
    """What the oracle makes of the raw events in *topic*.

    It is a program of the source tree's tests and runs as a process of its own: nothing of it is imported.

    Raises:
        OracleFailedError: it ended with an error or not in time.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.oracle", "--topic", topic),
        *(part for file in kpis for part in ("--kpis", str(file))),
        *("--bootstrap", bootstrap_servers, "--at", at.isoformat()),
        cwd=source_tree,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(ORACLE_WITHIN_S):
            written, complaints = await process.communicate()
    except TimeoutError:
        raise OracleFailedError(f"no answer within {ORACLE_WITHIN_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise OracleFailedError(complaints.decode(errors="replace"))
    return msgspec.json.Decoder(Expected).decode_lines(written)


async def judge(api_url: str, expected: Sequence[Expected], *, at: datetime) -> list[Judged]:
    """The API's answer beside each of *expected*, in the same order.

    Raises:
        ApiFailedError: it gave none.
    """
    free = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
    async with httpx2.AsyncClient(base_url=api_url, timeout=30.0, trust_env=False) as client:

        async def judged(one: Expected) -> Judged:
            async with free:
                return Judged(await _answer(client, one, at), one)

        return list(await asyncio.gather(*map(judged, expected)))


async def _answer(client: httpx2.AsyncClient, one: Expected, at: datetime) -> Answer:
    # An empty parameter asks for the events without the dimension.
    dimensions = {name: value or "" for name, value in one.dimensions.items()}
    parameters = {"window": one.window, "at": at.isoformat(), **dimensions}
    try:
        response = await client.get(f"/v1/kpis/{one.kpi}/value", params=parameters)
    except httpx2.TransportError as error:
        raise ApiFailedError(one.kpi, repr(error)) from error
    if not response.is_success:
        raise ApiFailedError(one.kpi, response.text)
    return msgspec.json.decode(response.content, type=Answer)
