"""Probes: in one partition all the way, so that a count says which of them have been seen."""

from itertools import islice

from benchmarks.probes import SOURCE, probe, probe_ids
from benchmarks.senders import TICK_S, Schedule
from shared.contracts.events import CleanEvent, clean_key
from shared.contracts.intake import decode_structured
from shared.domain.events import partition_of


def test_one_partition() -> None:
    """The clean records of all probes go to one partition, in which nothing overtakes."""
    names = list(islice(probe_ids(4), 50))
    events = [decode_structured(probe(name, 1, 1_000_000), timestamp_us=0) for name in names]
    keys = [clean_key(event) for event in events if isinstance(event, CleanEvent)]

    assert len(set(keys)) == 50
    assert {partition_of(key, 4) for key in keys} == {0}


def test_says_when_and_which() -> None:
    """A probe carries the time it was due and its number."""
    found = decode_structured(probe("probe-9", 3, 1_500_000), timestamp_us=0)

    expected = CleanEvent(
        id="probe-9",
        source=SOURCE,
        type="benchmark.probe",
        time="1970-01-01T00:00:01.500000Z",
        data={"probe": 3},
    )
    assert found == expected


def test_schedule() -> None:
    """A schedule keeps the rate, the probe of each tick included, and warms up before it judges."""
    schedule = Schedule.of(rate=10_000, probes=100, warm_up_s=2.0)

    # 10,000 * 0.047 = 470 events a tick; 2 / 0.047 = 42.6 ticks to warm up.
    assert (schedule.chunk + 1) / TICK_S == 10_000
    assert (schedule.unjudged, schedule.ticks) == (43, 143)
