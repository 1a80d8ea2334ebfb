"""What an evaluation changes, for the total, for every combination, and for rules that are gone."""

from datetime import timedelta
from decimal import Decimal

from services.api.alerting.judging import by_shard, counted, is_worth_writing, judged, orphaned
from shared.domain.alert_changes import Reason, shard_of
from shared.domain.alerts import Firing, Inactive, Pending, StateName
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule, after, an_alert

FIRING = Firing(after(-5), breached_at=after(-65))
BY_CARRIER = a_rule(breakdown=("carrier",), held_for=timedelta(0))


def test_each_combination() -> None:
    """A rule with a breakdown is judged for every combination by itself."""
    readings = [a_reading(11, dimensions={"carrier": "AA"}), a_reading(9, dimensions={"carrier": "UA"})]
    changes = list(judged(BY_CARRIER, readings, [], now=NOON))

    expected = [({"carrier": "AA"}, Firing(NOON, NOON)), ({"carrier": "UA"}, Inactive(NOON))]

    assert expected == [(change.after.dimensions, change.after.state) for change in changes]


def test_goes_on_from_standing() -> None:
    """An alert goes on from where it stood, under the rule as it is now."""
    standing = an_alert(state=Pending(after(-60)), transition=1)
    rule = a_rule(version=2)
    [change] = judged(rule, [a_reading(11)], [standing], now=NOON)

    assert (change.before, change.after.state) == (standing, Firing(NOON, breached_at=after(-60)))
    assert (change.after.rule, change.after.transition, change.after.value) == (rule, 2, Decimal(11))


def test_combination_without_reading() -> None:
    """An alert of a combination that nothing is known of any more resolves."""
    gone = an_alert(rule=BY_CARRIER, dimensions={"carrier": "AA"}, state=FIRING, transition=1)
    [change] = judged(BY_CARRIER, [], [gone], now=NOON)

    assert (change.after.state, change.reading, change.reason) == (Inactive(NOON), None, Reason.VALUE)


def test_removed_rule() -> None:
    """The alerts of a rule that is gone end, and say why."""
    [change] = orphaned({}, [an_alert(state=FIRING, transition=1)], now=NOON)

    assert change.reason is Reason.RULE_REMOVED
    assert change.is_notable
    assert change.after.retired_at == NOON


def test_changed_breakdown() -> None:
    """When a rule's breakdown changes, the alerts of the old one end and are not judged as the new."""
    total = an_alert(state=FIRING, transition=1)
    rules = {(BY_CARRIER.slug, BY_CARRIER.name): BY_CARRIER}

    assert [total] == [change.before for change in orphaned(rules, [total], now=NOON)]
    assert list(judged(BY_CARRIER, [], [total], now=NOON)) == []


def test_retired_once() -> None:
    """An alert that has ended with its rule is left alone afterwards."""
    gone = an_alert(retired_at=after(-60))

    assert list(orphaned({}, [gone], now=NOON)) == []
    assert list(judged(gone.rule, [], [gone], now=NOON)) == []


def test_quiet_combinations_are_not_written() -> None:
    """Combinations that stay inactive cost no write; the total's last value is always kept."""
    combinations = judged(BY_CARRIER, [a_reading(9, dimensions={"carrier": "AA"})], [], now=NOON)
    total = judged(a_rule(), [a_reading(9)], [], now=NOON)

    assert [is_worth_writing(change) for change in (*combinations, *total)] == [False, True]


def test_active_combinations_are_written() -> None:
    """A combination that is firing keeps its last value up to date."""
    firing = an_alert(rule=BY_CARRIER, dimensions={"carrier": "AA"}, state=FIRING, transition=1)
    [change] = judged(BY_CARRIER, [a_reading(12, dimensions={"carrier": "AA"})], [firing], now=NOON)

    assert not change.is_transition
    assert is_worth_writing(change)


def test_shards() -> None:
    """All alerts of a rule lie in the shard of the rule."""
    readings = [a_reading(11, dimensions={"carrier": carrier}) for carrier in ("AA", "UA", "B6")]
    changes = list(judged(BY_CARRIER, readings, [], now=NOON))

    assert by_shard(changes) == {shard_of(BY_CARRIER.slug, BY_CARRIER.name): changes}


def test_counts() -> None:
    """What is counted is where alerts stand afterwards, those without a rule left out."""
    firing = an_alert(state=FIRING, transition=1)
    changes = [*judged(a_rule(), [a_reading(11)], [firing], now=NOON), *orphaned({}, [firing], now=NOON)]

    assert counted(changes) == {StateName.FIRING: 1}
