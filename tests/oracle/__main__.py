"""The oracle as a command: reads source topics from Kafka and prints every value and goal as a line of JSON.

python -m tests.oracle --kpis FILE [--kpis FILE] --bootstrap HOST:PORT --topic T [--topic U] --at RFC3339
    [--goals-at RFC3339]
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.oracle.events import Record
from tests.oracle.goals import Goals
from tests.oracle.oracle import Oracle

SILENCE_S = 60.0
"""A broker that sends nothing for so long, although records are left, is broken."""


def main() -> None:
    """Print what the oracle says about every KPI, window and series of a file."""
    asked = _arguments()
    records = asyncio.run(read_topics(asked.bootstrap, asked.topic))
    kpis = "\n---\n".join(file.read_text() for file in asked.kpis)
    oracle = Oracle(kpis, records, ingested_at=asked.ingested_at or asked.at)
    goals = () if asked.goals_at is None else Goals(oracle, kpis, asked.goals_at).lines()
    for line in chain(lines(oracle, asked.at), goals):
        sys.stdout.write(json.dumps(line) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=main.__doc__)
    parser.add_argument(
        "--kpis", type=Path, action="append", required=True, help="a KPI file; may be repeated"
    )
    parser.add_argument("--bootstrap", required=True, help="host:port of a Kafka broker")
    parser.add_argument("--topic", action="append", required=True, help="a source topic; may be repeated")
    parser.add_argument("--at", type=datetime.fromisoformat, required=True, help="the instant of the values")
    parser.add_argument("--goals-at", type=datetime.fromisoformat, help="also the goals, as of that instant")
    parser.add_argument("--ingested-at", type=datetime.fromisoformat, help="when ages were judged, else --at")
    return parser.parse_args()


def lines(oracle: Oracle, at: datetime) -> Iterator[Mapping[str, Any]]:
    """Every value at the instant *at*: the total and each series seen in the longest window."""
    for slug in oracle.slugs:
        for window in oracle.windows(slug):
            for dimensions in _series(oracle, slug, at):
                found = oracle.value(slug, window, dimensions, at)
                yield {
                    "tells": "value",
                    "kpi": slug,
                    "window": window,
                    "dimensions": dimensions,
                    "value": None if found.value is None else str(found.value),
                    "n": found.n,
                    "window_start": found.window_start.isoformat(),
                    "window_end": found.window_end.isoformat(),
                    "exact": found.is_exact,
                }


def _series(oracle: Oracle, slug: str, at: datetime) -> list[dict[str, str | None]]:
    longest = oracle.longest_window(slug)
    found: list[dict[str, str | None]] = [{}]
    for breakdown in oracle.breakdowns(slug):
        found += oracle.series_within(slug, breakdown, longest, at)
    return found


async def read_topics(bootstrap: str, topics: Sequence[str]) -> list[Record]:
    """Everything that is in *topics* now, partition by partition in the order of offsets."""
    client = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest", check_crcs=False
    )
    await client.start()
    try:
        return await _read(client, await client.end_offsets(client.assignment()))
    finally:
        await client.stop()


async def _read(client: Any, ends: Mapping[TopicPartition, int]) -> list[Record]:
    found: dict[TopicPartition, list[Record]] = {partition: [] for partition in ends}
    while [partition for partition, end in ends.items() if await client.position(partition) < end]:
        batches = await asyncio.wait_for(_batches(client), SILENCE_S)
        for partition, batch in batches.items():
            found[partition] += [
                Record(record.value, record.headers, record.timestamp)
                for record in batch
                if record.offset < ends[partition]
            ]
    return [record for partition in sorted(found) for record in found[partition]]


async def _batches(client: Any) -> Mapping[TopicPartition, Sequence[Any]]:
    while not (batches := await client.getmany(timeout_ms=500, max_records=20_000)):
        pass
    return batches  # type: ignore[no-any-return]  # aiokafka has no types


if __name__ == "__main__":
    main()
