"""Order, batches, partitions, copies and restarts change no number: laws, on a real Postgres."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.windows import PARTS
from shared.storage.ledger import Ledger
from tests.integration.counting_rig import Counting, law
from tests.unit.compute.builders import NOW, ARecord, an_event, clean_log

INSTANTS = (
    NOW,
    NOW - timedelta(seconds=61),
    NOW - timedelta(minutes=40),
    NOW - timedelta(hours=5),
    NOW - timedelta(days=3),
    NOW + timedelta(minutes=3),
)
"""Now, before, and a little after; no age that a grain depends on lies between them and their windows."""

ages = st.one_of(
    st.integers(-280, 120).map(lambda n: timedelta(seconds=n)),
    st.integers(0, 300).map(lambda n: timedelta(seconds=15 * n)),
    st.integers(0, 200).map(lambda n: timedelta(hours=n, microseconds=1)),
    st.integers(0, 399).map(lambda n: timedelta(days=n)),
    st.timedeltas(timedelta(minutes=-4), timedelta(days=40)),
)
prices = st.one_of(
    st.integers(-5, 300),
    st.decimals(-1000, 1000, places=3, allow_nan=False),
    st.sampled_from([0.1, 2.675, Decimal("1.005"), Decimal("12345678901234.565"), 10**15, None, "12", True]),
)
shops = st.sampled_from(["Köln", "Łódź", "Paris", "Ko\u0308ln", None, "", 7, True, "x" * 129, ["list"]])
datas = st.fixed_dictionaries(
    {}, optional={"price": prices, "shop": shops, "channel": st.sampled_from(["web", "till", None])}
)
events = st.builds(
    lambda number, ago, kind, data: an_event(number, ago=ago, type=kind, data=data),
    st.integers(0, 30),
    ages,
    st.sampled_from(["order.paid", "order.paid", "order.refunded", "order.lost"]),
    datas,
)
logs = st.lists(events, max_size=40, unique_by=lambda event: event.id)


def batches(log: Mapping[int, Sequence[ARecord]], sizes: Sequence[int]) -> list[dict[int, Sequence[ARecord]]]:
    """*log* cut into batches that take as many records of each partition as *sizes* say, in turns."""
    found, places = list[dict[int, Sequence[ARecord]]](), dict.fromkeys(log, 0)
    for turn in count():
        size = sizes[turn % len(sizes)]
        batch = {p: records[places[p] : places[p] + size] for p, records in log.items()}
        places = {p: place + size for p, place in places.items()}
        if not any(batch.values()):
            return found
        found.append(batch)
    raise AssertionError


derivings = st.none() | st.tuples(
    st.sampled_from([-3_000, -61, -20, 0, 45, 300]), st.sets(st.integers(0, PARTS - 1))
)
"""Coarser panes made of finer ones: those that are over so many seconds after now, of which parts."""


async def derived(counting: Counting, how: tuple[int, set[int]] | None) -> None:
    """Make coarser panes of finer ones; an empty set of parts stands for all."""
    if how is not None:
        until = NOW + timedelta(seconds=how[0])
        await counting.derive(until=until, parts=how[1] or range(PARTS))


async def counted(
    counting: Counting,
    came: Sequence[CleanEvent],
    *,
    partitions: int,
    sizes: Sequence[int],
    restart: int,
    derives: Sequence[tuple[int, set[int]] | None] = (None,),
) -> None:
    """Count *came* in batches of *sizes*, with another owner taking over after every *restart* of them."""
    await counting.take_over(range(partitions))
    for number, batch in enumerate(batches(clean_log(came, partitions=partitions), sizes), 1):
        await derived(counting, derives[number % len(derives)])
        await counting.count(batch)
        if number % restart == 0:
            await counting.take_over(range(partitions))


def test_the_way_they_come(database_url: str) -> None:
    """Whatever the order, the batches, the partitions, the copies and the restarts: every number is right."""
    with law(database_url) as place:

        @settings(max_examples=40)
        @given(
            came=logs.flatmap(
                lambda log: (
                    st.lists(st.sampled_from(log), max_size=15).flatmap(
                        lambda copies: st.permutations([*log, *copies])
                    )
                    if log
                    else st.just(log)
                )
            ),
            partitions=st.integers(1, 5),
            sizes=st.lists(st.integers(1, 20), min_size=1, max_size=3),
            restart=st.integers(1, 4),
            derives=st.lists(derivings, min_size=1, max_size=4),
        )
        def holds(came: list[CleanEvent], **how: Any) -> None:
            place.holds(_is_right(place.counting, came, **how))

        holds()


async def _is_right(counting: Counting, came: list[CleanEvent], **how: Any) -> None:
    await counted(counting, came, **how)
    distinct = len({event.id for event in came})

    assert await counting.differences(came, *INSTANTS) == []
    assert await counting.ledger() == Ledger(len(came), distinct, len(came) - distinct, 0)
