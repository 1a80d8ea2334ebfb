"""Panes made of finer ones: whatever is derived when, a stretch of time holds every event once."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.windows import (
    DERIVED,
    HOUR_US,
    LENGTH_US,
    PARTS,
    Marks,
    Rung,
    Span,
    are_stale,
    marks_at,
    there,
)

NOW_US = 1_760_000_400_000_000

ladders = st.sampled_from([rung for rung in Rung if rung < Rung.D1])
instants = st.integers(-3 * HOUR_US, HOUR_US // 20).map(lambda ago: NOW_US + ago)
steps = st.lists(
    st.one_of(instants.map(lambda at: ("count", at)), instants.map(lambda at: ("derive", at))), max_size=30
)
Panes = Counter[tuple[Rung, int]]


def pane_start(rung: Rung, at_us: int) -> int:
    """Where the pane begins that holds an instant."""
    return at_us // LENGTH_US[rung] * LENGTH_US[rung]


def count(panes: Panes, marks: Marks, at_us: int, finest: Rung) -> None:
    """One event, in every pane that events enter at once."""
    rungs = [rung for rung in Rung if finest <= rung < Rung.D1]
    starts = [pane_start(rung, at_us) for rung in rungs]
    chosen = marks.are_written(
        np.full(len(rungs), 7),
        np.array(rungs, dtype=np.int64),
        np.array(starts, dtype=np.int64),
        finest=finest,
    )
    panes.update([(rung, start) for rung, start, is_in in zip(rungs, starts, chosen, strict=True) if is_in])


def derive(panes: Panes, marks: Marks, until_us: Sequence[int], finest: Rung) -> Marks:
    """The coarser panes that are over, of the finer ones, in the order of the rungs."""
    for rung, before_us, after_us in zip(DERIVED, marks.until_us[7], until_us, strict=True):
        if rung > finest:
            for (finer, start), n in list(panes.items()):
                if finer == rung - 1 and before_us <= start < after_us:
                    panes[rung, pane_start(rung, start)] += n
    return Marks.alike([max(pair) for pair in zip(marks.until_us[7], until_us, strict=True)])


@given(finest=ladders, begun=instants, steps=steps, rung=ladders, edges=st.tuples(instants, instants))
def test_every_event_once(
    finest: Rung, begun: int, steps: list[tuple[str, int]], rung: Rung, edges: tuple[int, int]
) -> None:
    """The panes that stand for a stretch hold all its events, whatever came before or after a step."""
    panes, marks, events = Panes(), Marks.alike(marks_at(begun, lag_us=0)), list[int]()
    for what, at_us in steps:
        if what == "count":
            count(panes, marks, at_us, finest)
            events.append(at_us)
        else:
            marks = derive(panes, marks, marks_at(at_us, lag_us=0), finest)
    rung = max(rung, finest)
    whole = Span(rung, pane_start(rung, min(edges)), pane_start(rung, max(edges)))

    found = sum(
        n
        for part in there(whole, finest, marks.lowest())
        for (pane, start), n in panes.items()
        if pane is part.rung and part.start_us <= start < part.end_us
    )

    assert found == sum(whole.start_us <= at_us < whole.end_us for at_us in events)


@given(finest=ladders, until=instants, rung=ladders, edges=st.tuples(instants, instants))
def test_what_is_there(finest: Rung, until: int, rung: Rung, edges: tuple[int, int]) -> None:
    """A stretch comes to runs of panes without a gap, each as coarse as its rung is done."""
    rung = max(rung, finest)
    marks = Marks.alike(marks_at(until, lag_us=0)).lowest()
    whole = Span(rung, pane_start(rung, min(edges)), pane_start(rung, max(edges)))
    parts = list(there(whole, finest, marks))

    ends = [whole.start_us, *(part.end_us for part in parts)]
    assert ends[:-1] == [part.start_us for part in parts]
    assert ends[-1] == whole.end_us
    assert all(part.rung == finest or part.end_us <= marks[part.rung] for part in parts)


def test_days_are_written_at_once() -> None:
    """A day is what it is whatever is derived."""
    span = Span(Rung.D1, 0, 10 * LENGTH_US[Rung.D1])

    assert list(there(span, Rung.S1, Marks.alike([0] * len(DERIVED)).lowest())) == [span]


def test_the_slowest_part_decides() -> None:
    """A reader of all series goes by the part that is furthest behind, rung by rung."""
    ahead, behind = (50, 40, 40, 40), (60, 30, 40, 40)
    marks = Marks((behind, *[ahead] * (PARTS - 1)))

    assert list(marks.lowest().values()) == [50, 30, 40, 40]


def test_parts_apart() -> None:
    """A series goes by the mark of its own part."""
    done, not_done = marks_at(NOW_US, lag_us=0), (0,) * len(DERIVED)
    marks = Marks((not_done, done, *[not_done] * (PARTS - 2)))
    start = pane_start(Rung.M1, NOW_US) - LENGTH_US[Rung.M1]

    series = np.array([0, 1, PARTS, PARTS + 1])
    found = marks.are_written(
        series, np.full(4, Rung.M1, dtype=np.int64), np.full(4, start, dtype=np.int64), finest=Rung.S1
    )

    assert found.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("behind_us", "expected"), [(HOUR_US // 2, False), (HOUR_US + LENGTH_US[Rung.H1], True)]
)
def test_stale(behind_us: int, *, expected: bool) -> None:
    """Marks an hour and a pane behind are too old to write by."""
    marks = Marks.alike(marks_at(NOW_US - behind_us, lag_us=0))

    assert are_stale(marks, NOW_US) is expected
