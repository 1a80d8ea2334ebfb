"""Scorecards and reasons as people read them at a terminal of a hundred columns; it compares nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from services.local.demo.expectations import ExpectedContribution, ExpectedPace, ExpectedTarget
from services.local.demo.goals import Checked
from services.local.demo.tellings import Board, Card, Change, Explanation, Pace

SHOWN = ("airport", "shop")
"""The scorecards that are shown, one of each catalogue."""

REASONS = (("on_time_share", "carrier"), ("revenue", "channel"))
"""The changes that are told by the series of a dimension."""

_MOST_NAMED = 3

_COLOURS = {"on_track": "green", "at_risk": "yellow", "off_track": "bold red"}

_LONG = re.compile(r"\d+\.\d{5,}")
_SIX = Context(prec=6)

Paces = Mapping[tuple[str, str], Pace]


def boards(checked: Sequence[Checked]) -> Iterator[Table]:
    """A table for each scorecard that is shown."""
    paces = {
        (one.expected.kpi, one.expected.window): one.told
        for one in checked
        if isinstance(one.told, Pace) and isinstance(one.expected, ExpectedPace)
    }
    for one in checked:
        if isinstance(one.told, Board) and one.told.name in SHOWN:
            yield _table(one.told, paces)


def _table(board: Board, paces: Paces) -> Table:
    title = (
        f"{board.title} at {board.at:%Y-%m-%d %H:%M} UTC: {_words(board.status)}, score {shown(board.score)}"
    )
    found = Table(title=title, title_style="bold", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    found.title_justify = "left"
    found.add_column("KPI", no_wrap=True)
    found.add_column("window", no_wrap=True)
    for column in ("value", "target", "attained", "score"):
        found.add_column(column, justify="right", no_wrap=True)
    found.add_column("status", no_wrap=True)
    found.add_column("heading for", justify="right", no_wrap=True)
    for card in board.cards:
        pace = paces.get((card.kpi, card.window)) if not card.dimensions else None
        found.add_row(*_cells(card, pace))
    return found


def _cells(card: Card, pace: Pace | None) -> Iterator[str | Text]:
    yield " ".join([card.kpi, *(f"{value}" for value in card.dimensions.values())])
    yield card.window
    yield shown(card.value)
    yield shown(card.target.value if card.target else None)
    yield "-" if card.attainment is None else f"{card.attainment:.1%}"
    yield "-" if card.score is None else f"{card.score:.1f}"
    yield Text(_words(card.status), style=_COLOURS.get(card.status, ""))
    if pace is None or pace.projection.value is None:
        yield ""
    else:
        goal = shown(pace.target.value if pace.target else None)
        yield f"{shown(pace.projection.value)} of {goal}"


def _words(status: str) -> str:
    return status.replace("_", " ")


def shown(number: Decimal | None) -> str:
    """*number* with about four digits, and a dash for none."""
    if number is None:
        return "-"
    size = abs(number)
    return f"{number:,.0f}" if size >= 1000 else f"{number:.1f}" if size >= 10 else f"{number:.3f}"


def reasons(checked: Sequence[Checked]) -> Iterator[str]:
    """Why some values are what they are, and what moved them, a line each."""
    for one in checked:
        match one.told, one.expected:
            case Explanation() as told, ExpectedTarget(kpi, window):
                yield f"Why {kpi} over {window}: {_short(told.arithmetic)}; {_short(told.status_rule)}."
            case Change() as told, ExpectedContribution(kpi, window, [dimension]) if (
                kpi,
                dimension,
            ) in REASONS:
                yield f"What moved {kpi} over {window} by {_signed(told.change)}: {_movers(told)}."


def _movers(change: Change) -> str:
    named = [
        f"{next(iter(item.dimensions.values())) or 'none'} {_signed(item.contribution)}"
        for item in change.items[:_MOST_NAMED]
    ]
    rest = sum((item.contribution or Decimal(0) for item in change.items[_MOST_NAMED:]), Decimal(0))
    return ", ".join([*named, f"all others {_signed(rest)}"])


def _signed(number: Decimal | None) -> str:
    if number is None:
        return "-"
    return f"{number:+,.2f}" if abs(number) >= 1 else f"{number:+.4f}"


def _short(words: str) -> str:
    """*words* with every long number to six significant digits."""
    return _LONG.sub(lambda found: f"{_SIX.create_decimal(found[0]):f}", words)
