"""What the demo says about its outcome, and when it is content."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from services.local.demo.judging import Answer, Expected, Judged
from services.local.demo.reports import FIRES, STAYS_QUIET, Outcome, differences, document, summary
from services.local.demo.streaming import Flow
from shared.storage.ledger import Ledger
from tests.unit.demo.goal_builders import A_WRONG_TARGET, ALL_GOALS

START, END = datetime(2026, 3, 9, 12, tzinfo=UTC), datetime(2026, 3, 10, 12, tzinfo=UTC)
LEDGER = Ledger(consumed=1000, applied=990, duplicate=10, dead_lettered=0)


def judged(
    ours: str | None, theirs: str | None, *, exact: bool = True, n: int = 3, **dimensions: str
) -> Judged:
    """A value by the API and by the oracle."""

    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    answer = Answer(number(ours), n, "flights", None, START, END)
    expected = Expected("departures", "24h", dimensions, number(theirs), 3, START, END, exact)
    return Judged(answer, expected)


VALUES = [judged("5", "5"), judged("2", "2.0", carrier="UA")]
ALL_WELL = Outcome(Flow(1000, 4.0, LEDGER), VALUES, ALL_GOALS, [FIRES])


@pytest.mark.parametrize(
    ("one", "equal"),
    [
        (judged("5", "5.00"), True),
        (judged("5", "6"), False),
        (judged(None, None), True),
        (judged("0", None), False),
        (judged(None, "0"), False),
        (judged("5", "5", n=4), False),
        (judged("0.33333333333333333", "0.333333333333", exact=False), True),
        (judged("0.33333333334", "0.333333333333", exact=False), False),
        (judged("5.0000000000001", "5", exact=True), False),
    ],
)
def test_equality(one: Judged, equal: bool) -> None:  # noqa: FBT001 - a column of the table
    """Values are equal to the last digit, quotients to twelve; null equals null only; n must agree."""
    assert one.equal is equal


def test_windows_have_to_agree() -> None:
    """The same number of another window is not the same value."""
    one = judged("5", "5")

    assert not replace(one, answer=Answer(Decimal(5), 3, "flights", None, START, START)).equal


def test_all_is_well() -> None:
    """Equal values, a balanced ledger and the alert: nothing to complain about."""
    assert ALL_WELL.complaints() == []


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (replace(ALL_WELL, judged=[judged("5", "6")]), "1 of 1 values differ"),
        (replace(ALL_WELL, judged=[]), "no values to compare"),
        (
            replace(ALL_WELL, checked=[*ALL_GOALS, A_WRONG_TARGET]),
            "1 of 2 targets differ from the oracle's: departures 24h.",
        ),
        (replace(ALL_WELL, checked=ALL_GOALS[1:]), "no targets to compare"),
        (replace(ALL_WELL, alerts=[]), f"No alert of {FIRES}"),
        (replace(ALL_WELL, alerts=[FIRES, STAYS_QUIET]), f"An alert of {STAYS_QUIET}"),
        (replace(ALL_WELL, flow=Flow(1000, 4.0, replace(LEDGER, applied=989))), "does not balance"),
        (replace(ALL_WELL, flow=Flow(1001, 4.0, LEDGER)), "1001 events were sent and 1000"),
    ],
    ids=["value", "no values", "goal", "no goals", "no alert", "false alert", "ledger", "lost"],
)
def test_complaints(outcome: Outcome, complaint: str) -> None:
    """Whatever is wrong is said, and said once."""
    (said,) = outcome.complaints()

    assert complaint in said


def test_the_document() -> None:
    """The JSON has the promised keys, on one line, with numbers as numbers."""
    line = document(ALL_WELL)
    found = json.loads(line)

    assert "\n" not in line
    assert found == {
        "events": 1000,
        "seconds": 4.0,
        "events_per_second": 250,
        "values": [
            {"kpi": "departures", "window": "24h", "dimensions": {}, "value": 5, "oracle": 5, "equal": True},
            {
                "kpi": "departures",
                "window": "24h",
                "dimensions": {"carrier": "UA"},
                "value": 2,
                "oracle": 2.0,
                "equal": True,
            },
        ],
        "goals": [{"sort": one.sort, "name": one.name, "equal": True} for one in ALL_GOALS],
        "alerts_received": 1,
        "ledger": {"consumed": 1000, "applied": 990, "duplicate": 10, "dead_lettered": 0},
    }


def test_the_differences() -> None:
    """People see each value that is not the oracle's, and none that is."""
    unequal = judged("2", "3", carrier="AA")
    out = Console(file=io.StringIO(), width=120)
    out.print(differences(replace(ALL_WELL, judged=[*ALL_WELL.judged, unequal])))
    text = out.file.getvalue()  # type: ignore[attr-defined]  # a StringIO

    assert "carrier=AA" in text
    assert "carrier=UA" not in text


def test_the_summary() -> None:
    """The summary has the throughput, the ledger, the alerts, and how much is as the oracle says."""
    text = summary(ALL_WELL)

    assert "250 events/s" in text
    assert "1,000 consumed = 990 applied + 10 duplicate + 0 dead-lettered" in text
    assert FIRES in text
    assert "2 of 2 values, 1 of 1 targets" in text
    assert "1 of 1 explanations" in text
