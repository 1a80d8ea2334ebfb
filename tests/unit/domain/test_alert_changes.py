"""Identities, numbers and notices of alerts over time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert_changes import (
    SHARDS,
    Alert,
    Change,
    Reason,
    advanced,
    alert_id,
    retired,
    shard_of,
    unseen,
)
from shared.domain.alerts import AlertState, Firing, Inactive, Pending
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule, after, an_alert

FIRING = Firing(NOON, breached_at=after(-60))


def a_change(before: AlertState, after_: AlertState, *, number: int = 4) -> Change:
    """A change of state that takes the number *number*."""
    alert = an_alert(state=before, transition=number - 1)
    return Change(alert, replace(alert, state=after_, transition=number), a_reading(11), Reason.VALUE)


def test_identity_is_fixed() -> None:
    """The identity of an alert is a fixed hash that receivers may keep for ever."""
    dimensions = {"carrier": "AA", "origin": None}

    assert alert_id("departures", "too_many", dimensions) == "43f8bc51cd9b017323e89fc99892f0ed"


def test_identity_ignores_order() -> None:
    """The order in which dimensions are named makes no other alert."""
    assert alert_id("k", "r", {"a": "1", "b": None}) == alert_id("k", "r", {"b": None, "a": "1"})


@given(st.text(max_size=5), st.text(min_size=1, max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_identity_is_unambiguous(slug: str, rule: str, name: str, value: str) -> None:
    """Parts that only look alike when written one after another make different alerts."""
    assert alert_id(slug, rule, {name: value}) != alert_id(slug + rule, "", {name: value})
    assert alert_id(slug, rule, {name: value}) != alert_id(slug, rule, {name: None})


def test_shards_are_fixed() -> None:
    """A rule stays in its shard, and rules spread over all of them."""
    assert shard_of("departures", "too_many") == 7
    assert {shard_of("kpi", f"rule_{number}") for number in range(100)} == set(range(SHARDS))


@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from([None, 10, 11])), max_size=30))
def test_numbers(seen: list[tuple[int, int | None]]) -> None:
    """Every change of state takes the next number, and nothing else moves it."""
    alert, now = unseen(a_rule(), {}, NOON), NOON
    for gap_s, value in seen:
        now += timedelta(seconds=gap_s)
        after_ = advanced(alert, alert.rule, None if value is None else Decimal(value), now)

        assert after_.transition - alert.transition == int(after_.name is not alert.name)
        alert = after_


@pytest.mark.parametrize(
    ("before", "after_", "told"),
    [
        (Inactive(NOON), Pending(NOON), False),
        (Pending(NOON), Inactive(NOON), False),
        (Pending(NOON), FIRING, True),
        (Inactive(NOON), FIRING, True),
        (FIRING, Inactive(NOON), True),
    ],
    ids=["waits", "calms", "fires", "fires at once", "resolves"],
)
def test_who_is_told(before: AlertState, after_: AlertState, told: bool) -> None:  # noqa: FBT001
    """People are told when an alert begins to fire and when it ends, of nothing between."""
    assert told is a_change(before, after_).is_notable


def test_still_firing_is_not_told() -> None:
    """An evaluation that finds an alert still firing tells nobody."""
    alert = an_alert(state=FIRING, transition=2)

    assert not Change(alert, alert, a_reading(11), Reason.VALUE).is_notable


def test_notice_id() -> None:
    """Who judges the same transition gives its notice the same id, and the next one another."""
    fires = a_change(Pending(NOON), FIRING, number=4)
    again = a_change(Pending(after(3)), Firing(after(70), breached_at=after(3)), number=4)

    assert fires.notice_id == again.notice_id
    assert fires.notice_id != a_change(FIRING, Inactive(NOON), number=5).notice_id
    assert fires.notice_id.startswith("notice_")
    assert "." not in fires.notice_id


def test_retired() -> None:
    """An alert whose rule is removed ends as a transition of its own."""
    gone = retired(an_alert(state=FIRING, transition=2, value=Decimal(11)), after(9))

    expected: Alert = an_alert(
        state=Inactive(after(9)),
        transition=3,
        value=Decimal(11),
        evaluated_at=after(9),
        retired_at=after(9),
    )

    assert expected == gone


def test_comes_back() -> None:
    """A rule that comes back goes on counting, so that no notice id is used twice."""
    gone = retired(an_alert(state=FIRING, transition=2), after(9))
    back = advanced(gone, a_rule(held_for=timedelta(0)), Decimal(11), after(20))

    assert (back.transition, back.retired_at) == (4, None)
