"""From where a KPI is looked at: its window, an instant and some dimensions; and when business is open."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.oracle import windows
from tests.oracle.definitions import Definition, Hours


@dataclass(frozen=True, slots=True)
class View:
    """One look at a KPI.

    Attributes:
        asked: the KPI that was asked for, whose windows and zone hold for all that its formula reads.
        at: the instant asked about, or an earlier one for the sake of it.
        now: when it was asked.
    """

    asked: Definition
    window: str
    dimensions: Mapping[str, str | None]
    at: datetime
    now: datetime

    @property
    def interval(self) -> tuple[datetime, datetime]:
        """[start, end) of the window."""
        return windows.interval(
            self.window, siblings=self.asked.windows, zone=self.asked.zone,
            at=self.at, now=self.now, years=self.asked.years,
        )  # fmt: skip

    @property
    def measured(self) -> timedelta:
        """How long the window is that a rate divides by, business hours aside."""
        return windows.measured(
            self.window, siblings=self.asked.windows, zone=self.asked.zone,
            at=self.at, now=self.now, years=self.asked.years,
        )  # fmt: skip

    def earlier(self) -> "View":
        """The same one period earlier."""
        before = windows.earlier(self.window, zone=self.asked.zone, at=self.at, years=self.asked.years)
        return replace(self, at=before)

    def total(self) -> "View":
        """The same without dimensions."""
        return replace(self, dimensions={})


def own_names(formula: str) -> list[str]:
    """The KPIs that *formula* reads outside prev() and total(), each once."""
    return list(dict.fromkeys(_own_names(ast.parse(f"({formula}\n)", mode="eval").body)))


def _own_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        for argument in () if name in ("prev", "total") else node.args:
            yield from _own_names(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _own_names(child)


def hours_hold(hours: Hours, zone: str, at: datetime) -> bool:
    """Whether the clocks of *zone* show business hours at *at*."""
    shown = at.astimezone(ZoneInfo(zone))
    minute = 60 * shown.hour + shown.minute
    if shown.date() in hours.closed:
        return False
    return shown.isoweekday() in hours.days and hours.first_minute <= minute < hours.end_minute


def business_time(hours: Hours, zone: str, start: datetime, end: datetime) -> timedelta:
    """The business time of [*start*, *end*), minute by minute; both lie on whole minutes or in one."""
    step, total, at = timedelta(minutes=1), timedelta(0), start
    while at < end:
        until = min(at - timedelta(seconds=at.second, microseconds=at.microsecond) + step, end)
        total += until - at if hours_hold(hours, zone, at) else timedelta(0)
        at = until
    return total
