"""The words of a notice, as receivers will find them."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from shared.contracts.alerts import decode_notice, decode_rule, encode_notice, encode_rule
from shared.domain.alert_changes import Alert, Change, Reason
from shared.domain.alerts import AlertState, Firing, Inactive, Pending
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule, after, an_alert

RULE = a_rule(threshold=Decimal("10.50"), labels={"team": "ops"}, annotations={"runbook": "look"})
FIRING = Firing(NOON, breached_at=after(-60))


def a_change(before: AlertState, state: AlertState) -> Change:
    """A change of an alert on the carrier AA."""
    alert: Alert = an_alert(
        rule=RULE, dimensions={"carrier": "AA"}, state=before, transition=1, evaluated_at=after(30)
    )
    seen = replace(alert, state=state, transition=2, value=Decimal("11.10"))
    return Change(alert, seen, a_reading("11.10"), Reason.VALUE)


def test_firing() -> None:
    """A notice says everything about the alert, with exact numbers and times in UTC."""
    text = encode_notice(a_change(Pending(after(-60)), FIRING))

    assert text == Path(__file__).with_name("notice.json").read_text().strip()


def test_resolved() -> None:
    """The notice of the end says when the alert had begun and when it ended."""
    data = decode_notice(encode_notice(a_change(FIRING, Inactive(after(30))))).data

    assert (data.state, data.since, data.fired_at, data.resolved_at) == (
        "resolved",
        after(-60),
        NOON,
        after(30),
    )


def test_pending_is_not_told() -> None:
    """There is no notice of a change that people are not told of."""
    with pytest.raises(ValueError, match="neither"):
        encode_notice(a_change(Inactive(NOON), Pending(NOON)))


def test_rule_is_kept_whole() -> None:
    """A rule that was kept and read back is the same, its threshold to the last digit."""
    kept = decode_rule(encode_rule(RULE))

    assert (kept, str(kept.threshold)) == (RULE, "10.50")
