"""Probe events, numbered as they are sent: whoever counts k of them has seen the first k."""

from collections.abc import Iterator
from itertools import count

from shared.contracts.rfc3339 import text_of_us
from shared.domain.events import event_key, partition_of

SOURCE = "/benchmarks/probes"
TYPE = "benchmark.probe"


def probe_ids(partitions: int) -> Iterator[str]:
    """Ids whose clean records all go to partition 0 of *partitions*.

    Within one partition of the source and one of the clean topic nothing overtakes: when k probes are
    counted, they are the first k, so a count tells how long each of them took.
    """
    names = (f"probe-{number}" for number in count())
    return (name for name in names if partition_of(event_key(SOURCE, name), partitions) == 0)


def probe(name: str, number: int, at_us: int) -> bytes:
    """The probe *number* with the id *name*, of the instant *at_us*."""
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"{SOURCE}","type":"{TYPE}",'
        f'"time":"{text_of_us(at_us)}","data":{{"probe":{number}}}}}'
    ).encode()
