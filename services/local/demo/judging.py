"""Asking the API and the oracle the same questions; neither sees the other's answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

import msgspec

from services.local.demo.asking import Api, Dimensions, series_of

SIGNIFICANT = Context(prec=12, rounding=ROUND_HALF_EVEN)
"""Averages and formulas are quotients: both sides are rounded to 12 significant digits before comparing."""


class Expected(msgspec.Struct, frozen=True, tag="value", tag_field="tells"):
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


def is_near(ours: Decimal | None, theirs: Decimal | None) -> bool:
    """Whether both are the same number to 12 significant digits, or both are none."""
    if ours is None or theirs is None:
        return ours is theirs
    return SIGNIFICANT.plus(ours) == SIGNIFICANT.plus(theirs)


def _same(ours: Decimal | None, theirs: Decimal | None, *, exact: bool) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return ours == theirs if exact else is_near(ours, theirs)


async def judge(api: Api, expected: Sequence[Expected], *, at: datetime) -> list[Judged]:
    """The API's answer beside each of *expected*, in the same order.

    Raises:
        ApiFailedError: it gave none.
    """

    async def judged(one: Expected) -> Judged:
        path, parameters = f"kpis/{one.kpi}/value", series_of(one.window, one.dimensions, at)
        return Judged(await api.told(path, parameters, type=Answer), one)

    return list(await asyncio.gather(*map(judged, expected)))
