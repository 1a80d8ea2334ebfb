"""The step between alert states: what it promises for single values and as laws over any series."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alerts import (
    AlertRule,
    AlertState,
    Condition,
    Firing,
    Inactive,
    Pending,
    StateName,
    name_of,
    restored,
    step,
)
from tests.unit.domain.alert_builders import NOON, a_rule, after

HIGH, LOW = Decimal(11), Decimal(10)

values = st.one_of(st.none(), st.integers(5, 15).map(Decimal))
gaps_s = st.integers(0, 90)
series = st.lists(st.tuples(gaps_s, values), max_size=30)
rules = st.builds(
    a_rule,
    held_for=st.sampled_from([0, 1, 30, 60, 600]).map(lambda s: timedelta(seconds=s)),
    condition=st.sampled_from(Condition),
)


def walk(rule: AlertRule, seen: Sequence[tuple[int, Decimal | None]]) -> list[tuple[datetime, AlertState]]:
    """The states that *seen*, gaps in seconds and values, leads through, each with its instant."""
    now, state = NOON, Inactive(NOON)
    states: list[tuple[datetime, AlertState]] = [(now, state)]
    for gap_s, value in seen:
        now += timedelta(seconds=gap_s)
        states.append((now, step(rule, states[-1][1], value, now)))
    return states


@pytest.mark.parametrize(
    ("condition", "breached"),
    [
        (Condition.ABOVE, [False, False, True]),
        (Condition.AT_OR_ABOVE, [False, True, True]),
        (Condition.BELOW, [True, False, False]),
        (Condition.AT_OR_BELOW, [True, True, False]),
    ],
)
def test_condition(condition: Condition, breached: list[bool]) -> None:
    """A value under, on and over the threshold breaches as the word of the condition says."""
    rule = a_rule(condition=condition, threshold=Decimal("10.0"))

    assert breached == [rule.breached_by(Decimal(value)) for value in ("9.9", "10", "10.1")]


@pytest.mark.parametrize("condition", list(Condition))
def test_missing_value(condition: Condition) -> None:
    """A missing value breaches no condition."""
    assert not a_rule(condition=condition).breached_by(None)


def test_timeline() -> None:
    """An alert is pending while its condition has held for less than `for`, then fires, then resolves."""
    # | 0 high [pending --- 60 s ---) 60 firing | 90 low: inactive |
    seen = [(0, HIGH), (59, HIGH), (1, HIGH), (29, HIGH), (1, LOW)]

    expected = [
        Inactive(NOON),
        Pending(NOON),
        Pending(NOON),
        Firing(after(60), breached_at=NOON),
        Firing(after(60), breached_at=NOON),
        Inactive(after(90)),
    ]

    assert expected == [state for _, state in walk(a_rule(), seen)]


def test_break_begins_anew() -> None:
    """One value within bounds ends the wait, which begins anew with the next breach."""
    seen = [(0, HIGH), (50, LOW), (5, HIGH), (10, HIGH)]

    assert Pending(after(55)) == walk(a_rule(), seen)[-1][1]


def test_no_wait() -> None:
    """With `for: 0` the first breach fires."""
    rule = a_rule(held_for=timedelta(0))

    assert Firing(NOON, breached_at=NOON) == step(rule, Inactive(after(-5)), HIGH, NOON)


def test_no_data_resolves() -> None:
    """An alert whose value goes missing resolves."""
    assert Inactive(NOON) == step(a_rule(), Firing(after(-5), breached_at=after(-65)), None, NOON)


def test_unchanged_is_same() -> None:
    """A step that changes nothing returns the very state it was given."""
    firing = Firing(after(-5), breached_at=after(-65))

    assert step(a_rule(), firing, HIGH, NOON) is firing


@given(rules, series)
def test_pending_first(rule: AlertRule, seen: list[tuple[int, Decimal | None]]) -> None:
    """An alert that has to wait never fires without having been pending for as long as it has to."""
    for (_, before), (now, state) in pairwise(walk(rule, seen)):
        if isinstance(state, Firing) and not isinstance(before, Firing) and rule.held_for:
            assert isinstance(before, Pending)
            assert before.since == state.breached_at
            assert now - before.since >= rule.held_for


@given(rules, series)
def test_state_follows_value(rule: AlertRule, seen: list[tuple[int, Decimal | None]]) -> None:
    """Whatever came before, an alert is inactive exactly when the last value does not breach."""
    for (_, value), (_, state) in zip(seen, walk(rule, seen)[1:], strict=True):
        assert isinstance(state, Inactive) is not rule.breached_by(value)


@given(rules, series)
def test_same_inputs(rule: AlertRule, seen: list[tuple[int, Decimal | None]]) -> None:
    """The same values at the same instants lead through the same states."""
    assert walk(rule, seen) == walk(rule, seen)


@given(rules, series, values, gaps_s)
def test_restart(
    rule: AlertRule, seen: list[tuple[int, Decimal | None]], value: Decimal | None, gap_s: int
) -> None:
    """A state that was stored and read back goes on as if nothing had happened."""
    now, state = walk(rule, seen)[-1]
    stored = (name_of(state), state.since, state.breached_at if isinstance(state, Firing) else None)
    later = now + timedelta(seconds=gap_s)

    assert step(rule, state, value, later) == step(rule, restored(*stored), value, later)


def test_broken_row() -> None:
    """A firing state without the start of its breach is refused, not guessed."""
    with pytest.raises(ValueError, match="breached_at"):
        restored(StateName.FIRING, NOON, None)
