"""What the demo found out: complaints, a table for people, JSON for programs; it prints nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

import msgspec
from rich.table import Table

from services.local.demo.goals import SORTS, Checked
from services.local.demo.judging import SIGNIFICANT, Judged
from services.local.demo.streaming import Flow

FIRES = "worst_departure_delay"
"""The KPI whose alert fires: on the last day a flight left 220 minutes late, and the rule allows 180."""

STAYS_QUIET = "cancellations"
"""The KPI whose alert must not fire: the last day has 16 cancellations, and the rule allows 100."""

_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to the events, what values and goals are, and whose alerts were received as firing."""

    flow: Flow
    judged: Sequence[Judged]
    checked: Sequence[Checked]
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
        return [complaint for is_well, complaint in checks if not is_well] + list(self._unlike())

    def _unlike(self) -> Iterator[str]:
        """Goals that are not as the oracle says, or that nobody has compared; a sentence for each sort."""
        for sort in SORTS:
            found = [one for one in self.checked if one.sort == sort]
            names = [one.name for one in found if not one.equal]
            if not found:
                yield f"The oracle had no {sort} to compare."
            elif names:
                yield f"{len(names)} of {len(found)} {sort} differ from the oracle's: {'; '.join(names[:5])}."


def document(outcome: Outcome) -> str:
    """The outcome as one line of JSON; numbers are exact."""
    flow = outcome.flow
    return _encoder.encode(
        {
            "events": flow.events,
            "seconds": round(flow.seconds, 3),
            "events_per_second": round(flow.events_per_second),
            "values": [_value(one) for one in outcome.judged],
            "goals": [{"sort": one.sort, "name": one.name, "equal": one.equal} for one in outcome.checked],
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


def differences(outcome: Outcome) -> Table:
    """Every value that is not as the oracle says."""
    found = Table(title="Values that the API and the oracle tell differently")
    for column in ("KPI", "window"):
        found.add_column(column)
    for column in ("value", "oracle"):
        found.add_column(column, justify="right", no_wrap=True)
    for one in outcome.judged:
        if not one.equal:
            found.add_row(*_row(one), style="bold red")
    return found


def _row(one: Judged) -> tuple[str, ...]:
    expected = one.expected
    return (
        " ".join([expected.kpi, *(f"{name}={value}" for name, value in expected.dimensions.items())]),
        expected.window,
        _number(one.answer.value, exact=expected.exact),
        _number(expected.value, exact=expected.exact),
    )


def _number(value: Decimal | None, *, exact: bool) -> str:
    if value is None:
        return "null"
    text = f"{value if exact else SIGNIFICANT.plus(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def summary(outcome: Outcome) -> str:
    """What was compared, counted and received, for people."""
    flow, ledger = outcome.flow, outcome.flow.ledger
    values, *goals = _compared(outcome)
    return (
        f"{flow.events:,} events in {flow.seconds:.1f} s, {flow.events_per_second:,.0f} events/s"
        " from the first sent to the last counted\n"
        f"ledger: {ledger.consumed:,} consumed = {ledger.applied:,} applied + {ledger.duplicate:,} duplicate"
        f" + {ledger.dead_lettered:,} dead-lettered\n"
        f"alerts received: {', '.join(outcome.alerts) or 'none'}\n"
        f"as the oracle says: {values}, {', '.join(goals[:2])},\n  {', '.join(goals[2:])}"
    )


def _compared(outcome: Outcome) -> Iterator[str]:
    equal = sum(one.equal for one in outcome.judged)
    yield f"{equal:,} of {len(outcome.judged):,} values"
    for sort in SORTS:
        found = [one.equal for one in outcome.checked if one.sort == sort]
        yield f"{sum(found):,} of {len(found):,} {sort}"
