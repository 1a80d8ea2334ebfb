"""What the demo found out: complaints, a table for people, JSON for programs; it prints nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

import msgspec
from rich.table import Table

from services.local.demo.judging import SIGNIFICANT, Judged
from services.local.demo.streaming import Flow

FIRES = "worst_departure_delay"
"""The KPI whose alert fires: on the last day a flight left 220 minutes late, and the rule allows 180."""

STAYS_QUIET = "cancellations"
"""The KPI whose alert must not fire: the last day has 16 cancellations, and the rule allows 100."""

_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to the events, what the values are, and which KPIs' alerts were received as firing."""

    flow: Flow
    judged: Sequence[Judged]
    alerts: Sequence[str]

    def complaints(self) -> list[str]:
        """What is not as it should be, a sentence each; empty when all is well."""
        ledger, unequal = self.flow.ledger, sum(not one.equal for one in self.judged)
        checks = (
            (unequal == 0, f"{unequal} of {len(self.judged)} values differ from the oracle's."),
            (len(self.judged) > 0, "The oracle had no values to compare."),
            (FIRES in self.alerts, f"No alert of {FIRES} was received."),
            (STAYS_QUIET not in self.alerts, f"An alert of {STAYS_QUIET} was received and should not be."),
            (ledger.balances, f"The ledger does not balance: {asdict(ledger)}."),
            (
                ledger.consumed == self.flow.events,
                f"{self.flow.events} events were sent and {ledger.consumed} were consumed.",
            ),
        )
        return [complaint for is_well, complaint in checks if not is_well]


def document(outcome: Outcome) -> str:
    """The outcome as one line of JSON; numbers are exact."""
    flow = outcome.flow
    return _encoder.encode(
        {
            "events": flow.events,
            "seconds": round(flow.seconds, 3),
            "events_per_second": round(flow.events_per_second),
            "values": [_value(one) for one in outcome.judged],
            "alerts_received": len(outcome.alerts),
            "ledger": asdict(flow.ledger),
        }
    ).decode()


def _value(one: Judged) -> dict[str, object]:
    return {
        "kpi": one.expected.kpi,
        "window": one.expected.window,
        "dimensions": one.expected.dimensions,
        "value": one.answer.value,
        "oracle": one.expected.value,
        "equal": one.equal,
    }


def table(outcome: Outcome) -> Table:
    """Every total, and every series that is not as the oracle says."""
    shown = [one for one in outcome.judged if not one.expected.dimensions or not one.equal]
    found = Table(title="What the API says and what the oracle says", caption=_caption(outcome))
    for column in ("KPI", "window"):
        found.add_column(column)
    for column in ("value", "oracle"):
        found.add_column(column, justify="right", no_wrap=True)
    found.add_column("equal", justify="center")
    for before, one in zip([None, *shown], shown, strict=False):
        if before is not None and before.expected.kpi != one.expected.kpi:
            found.add_section()
        found.add_row(*_row(one), style=None if one.equal else "bold red")
    return found


def _row(one: Judged) -> tuple[str, ...]:
    expected = one.expected
    return (
        " ".join([expected.kpi, *(f"{name}={value}" for name, value in expected.dimensions.items())]),
        expected.window,
        _number(one.answer.value, exact=expected.exact),
        _number(expected.value, exact=expected.exact),
        "yes" if one.equal else "NO",
    )


def _number(value: Decimal | None, *, exact: bool) -> str:
    if value is None:
        return "null"
    text = f"{value if exact else SIGNIFICANT.plus(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _caption(outcome: Outcome) -> str:
    series = [one for one in outcome.judged if one.expected.dimensions]
    equal = sum(one.equal for one in series)
    return f"and {equal} of {len(series)} values of series are equal"


def summary(outcome: Outcome) -> str:
    """Three lines for people."""
    flow, ledger = outcome.flow, outcome.flow.ledger
    return (
        f"{flow.events:,} events in {flow.seconds:.1f} s, {flow.events_per_second:,.0f} events/s"
        " from the first sent to the last counted\n"
        f"ledger: {ledger.consumed:,} consumed = {ledger.applied:,} applied + {ledger.duplicate:,} duplicate"
        f" + {ledger.dead_lettered:,} dead-lettered\n"
        f"alerts received: {', '.join(outcome.alerts) or 'none'}"
    )
