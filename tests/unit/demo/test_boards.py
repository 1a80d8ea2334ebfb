"""What people see of scorecards and reasons."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

from services.local.demo.boards import boards, reasons, shown
from tests.unit.demo.goal_builders import ALL_GOALS, a_board, a_change, a_pace


def printed(width: int = 100) -> str:
    """The scorecards as they are printed."""
    out = Console(file=io.StringIO(), width=width)
    for board in boards(ALL_GOALS):
        out.print(board)
    return out.file.getvalue()  # type: ignore[attr-defined,no-any-return]  # a StringIO


def test_a_board() -> None:
    """A scorecard has its score, and each card its value, target, status and where it is heading."""
    text = " ".join(printed().split())

    assert "The airport at 2026-03-10 12:00 UTC: off track, score 12.5" in text
    assert "departures mtd 12,000 900.0 33.3% 12.5 off track 25,000 of 27,500" in text


def test_width() -> None:
    """Nothing is wider than a hundred columns."""
    assert max(map(len, printed(width=200).splitlines())) <= 100


def test_others_are_not_shown() -> None:
    """Scorecards that only the oracle looks at are left out."""
    assert list(boards([a_board(name="shop-board"), a_pace()])) == []


def test_reasons() -> None:
    """A change is told by its largest parts and the rest, an explanation with short numbers."""
    change = a_change("2", "-0.5", "0.25", "-0.125", change="1.625")

    assert list(reasons([change, ALL_GOALS[-1]])) == [
        "What moved on_time_share over 24h by +1.62: UA +2.00, EV -0.5000, MQ +0.2500, all others -0.1250.",
        "Why departures over 24h: sum of 2 events = 1200; 900.000 is the target; 1200 is on track.",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), ("27500.4", "27,500"), ("-1234", "-1,234"), ("92.04", "92.0"), ("0.8236", "0.824")],
)
def test_numbers(number: str | None, text: str) -> None:
    """Numbers are told with as many digits as one can take in."""
    assert shown(None if number is None else Decimal(number)) == text
