"""Retractions in a batch: what counts, what is to be undone, and that batches make no difference to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compute.batches import CountedBatch, count_batch
from services.compute.parts import Tally
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.seen import Memory
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

PROGRAMME = Programme.of(a_catalogue(a_kpi("revenue", aggregate="sum", value="data.price", scale=2)))


def log_of(text: str) -> list[ARecord]:
    """Records from letters: `a` is an event, `A` its retraction, `!` before an event makes it unfit."""
    records = list[ARecord]()
    for word in text.split():
        number = ord(word[-1].lower())
        if word[-1].isupper():
            event = an_event(1000 + len(records), retracts=f"order-{number}")
        else:
            event = an_event(number, data={"price": 10**18 if word.startswith("!") else 1})
        records.append(a_record(event, offset=100 + 2 * len(records)))
    return records


@dataclass(frozen=True)
class Came:
    """What became of a log: applied, duplicate, dead-lettered; offsets by what they do."""

    ledger: tuple[int, int, int]
    counts: tuple[int, ...]
    sought: dict[int, int | None]
    settled: tuple[int, ...]


def came(log: Sequence[ARecord], *sizes: int) -> Came:
    """*log* counted in batches of *sizes*, and the rest in one."""
    memory, tallies, start = Memory.of(1000), list[Tally](), 0
    for size in (*sizes, len(log)):
        batch = counted(log[start : start + size], memory)
        tallies += [batch.tallies[0]] if batch else []
        start += size
    skipped = {offset for tally in tallies for offset in tally.skipped}
    retractions = [one for tally in tallies for one in tally.retractions]
    return Came(
        ledger=(
            sum(tally.applied for tally in tallies),
            sum(tally.duplicate for tally in tallies),
            sum(tally.dead_lettered for tally in tallies),
        ),
        counts=tuple((record.offset - 100) // 2 for record in log if record.offset not in skipped),
        sought={(r.offset - 100) // 2: r.lies_from for r in retractions if not r.is_settled},
        settled=tuple((r.offset - 100) // 2 for r in retractions if r.is_settled),
    )


def counted(records: Sequence[ARecord], memory: Memory) -> CountedBatch | None:
    """*records* of partition 0, counted; None when there are none."""
    return count_batch({0: records}, PROGRAMME, {0: memory}, now_us=instant_us(NOW)) if records else None


CASES = {
    "one batch": ("a b A", (), Came((3, 0, 0), (1,), {}, (2,))),
    "an earlier batch": ("a b A", (2,), Came((3, 0, 0), (0, 1), {2: 100}, ())),
    "a later place of a batch": ("b a A", (2,), Came((3, 0, 0), (0, 1), {2: 101}, ())),
    "ahead in one batch": ("A a b", (), Came((3, 0, 0), (2,), {0: None}, ())),
    "ahead by a batch": ("A a b", (1,), Came((3, 0, 0), (2,), {0: None}, ())),
    "twice in one batch": ("a A A", (), Came((2, 1, 0), (), {}, (1,))),
    "twice, by batches": ("a A A", (1, 1), Came((2, 1, 0), (0,), {1: 100}, ())),
    "before and after": ("A a A", (), Came((2, 1, 0), (), {0: None}, ())),
    "a copy before": ("a a A", (1,), Came((2, 1, 0), (0,), {2: 100}, ())),
    "a copy after": ("a A a", (), Came((2, 1, 0), (), {}, (1,))),
    "a copy after, by batches": ("a A a", (1, 1), Came((2, 1, 0), (0,), {1: 100}, ())),
    "unfit": ("!a A", (), Came((1, 0, 1), (), {1: None}, ())),
    "unfit, by batches": ("!a A", (1,), Came((1, 0, 1), (), {1: None}, ())),
    "unfit and late": ("A !a", (1,), Came((2, 0, 0), (), {0: None}, ())),
    "unfit beside another": ("b !a c A", (), Came((3, 0, 1), (0, 2), {3: None}, ())),
    "unfit, then fit": ("!a a", (), Came((1, 0, 1), (1,), {}, ())),
    "unfit, fit and undone": ("!a a A", (), Came((2, 0, 1), (), {}, (2,))),
    "two at once": ("a b A B", (), Came((4, 0, 0), (), {}, (2, 3))),
}


@pytest.mark.parametrize(("log", "sizes", "expected"), CASES.values(), ids=CASES)
def test_what_comes_of_it(log: str, sizes: tuple[int, ...], expected: Came) -> None:
    """Every order of an event, its copies and its retractions has one outcome."""
    assert came(log_of(log), *sizes) == expected


def test_a_retraction_belongs_to_its_source() -> None:
    """A retraction of another source with the same id undoes nothing here."""
    other = a_record(an_event(9, source="/other", retracts="order-97"), offset=102)

    assert came([*log_of("a"), other]).counts == (0,)


def test_a_retraction_cannot_be_retracted() -> None:
    """What retracts the id of a retraction names an event that never came; the first stays in force."""
    undo = an_event(1, id="undo", retracts="order-97")
    redo = an_event(2, id="redo", retracts="undo")

    found = came([*log_of("a"), a_record(undo, offset=102), a_record(redo, offset=104)])

    assert found.counts == ()
    assert found.settled == (1,)


def test_the_id_of_a_retraction_is_free() -> None:
    """A retraction takes nobody's identity: an event with the same id counts."""
    undo = an_event(1, id="order-98", retracts="order-97")

    found = came([*log_of("a"), a_record(undo, offset=102), a_record(an_event(98), offset=104)])

    assert found.counts == (2,)


letters = st.sampled_from(["a", "a", "b", "c", "A", "B", "A", "!a"])


@given(log=st.lists(letters, min_size=1, max_size=14), sizes=st.lists(st.integers(1, 5), max_size=8))
def test_batches_make_no_difference(log: list[str], sizes: list[int]) -> None:
    """However a log is cut, the ledger is the same, and so is what counts once the sought are undone."""
    records = log_of(" ".join(log))
    whole, cut = came(records), came(records, *sizes)

    assert cut.ledger == whole.ledger
    assert left(cut, records) == left(whole, records)


def left(found: Came, records: Sequence[ARecord]) -> set[bytes | None]:
    """The keys that count when everything sought was undone."""
    sought = {records[place].key for place in found.sought}
    return {records[place].key for place in found.counts} - sought
