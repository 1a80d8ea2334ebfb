"""The oracle's window rule against dates worked out by hand."""

from datetime import datetime

import pytest

from tests.oracle.windows import day_start, interval


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("window", "siblings", "start", "end"),
    [
        ("5m", ["5m", "30d"], "2026-03-10T11:55:07Z", "2026-03-10T12:00:07Z"),
        ("1h", ["1h"], "2026-03-10T11:00:10Z", "2026-03-10T12:00:10Z"),
        ("24h", ["24h"], "2026-03-09T12:01:00Z", "2026-03-10T12:01:00Z"),
        ("24h", ["24h", "1h"], "2026-03-09T12:00:00Z", "2026-03-10T12:00:10Z"),
        ("7d", ["7d"], "2026-03-03T12:15:00Z", "2026-03-10T12:15:00Z"),
        ("30d", ["30d", "5m"], "2026-02-08T12:00:00Z", "2026-03-10T12:00:07Z"),
        ("30d", ["30d"], "2026-02-08T13:00:00Z", "2026-03-10T13:00:00Z"),
    ],
)
def test_sliding(window: str, siblings: list[str], start: str, end: str) -> None:
    """The end moves by the finest grain of the KPI, the start by that of the window."""
    instant = at("2026-03-10T12:00:06.5Z")

    assert (at(start), at(end)) == interval(window, siblings=siblings, zone="UTC", at=instant, now=instant)


def test_on_the_grid() -> None:
    """An instant on the grid is the end itself."""
    instant = at("2026-03-10T12:00:00Z")

    assert instant == interval("1h", siblings=["1h"], zone="UTC", at=instant, now=instant)[1]


def test_old_instants_are_told_apart_by_what_is_kept() -> None:
    """A day later the panes of 1 s and 10 s are gone: a 5m window is a window of whole minutes."""
    asked = interval(
        "5m", siblings=["5m"], zone="UTC", at=at("2026-03-10T12:00:06Z"), now=at("2026-03-11T12:00:06Z")
    )

    assert (at("2026-03-10T11:56:00Z"), at("2026-03-10T12:01:00Z")) == asked


@pytest.mark.parametrize(
    ("instant", "zone", "midnight"),
    [
        ("2026-03-10T03:59:00Z", "America/New_York", "2026-03-09T04:00:00Z"),
        ("2026-03-08T12:00:00Z", "America/New_York", "2026-03-08T05:00:00Z"),
        ("2026-03-10T18:14:59Z", "Asia/Kathmandu", "2026-03-09T18:15:00Z"),
        ("2026-03-10T18:15:00Z", "Asia/Kathmandu", "2026-03-10T18:15:00Z"),
        ("2018-11-04T12:00:00Z", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ],
    ids=[
        "before midnight",
        "the day of the clock change",
        "quarter to",
        "at midnight",
        "no midnight that day",
    ],
)
def test_today(instant: str, zone: str, midnight: str) -> None:
    """Today begins at the first instant of the local day."""
    assert at(midnight) == day_start(at(instant), zone)
    start, _ = interval("today", siblings=["today"], zone=zone, at=at(instant), now=at(instant))

    assert at(midnight) == start
