"""What a stretch of work cost: time, events, CPU seconds of everybody involved, and of everybody else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.fleets import Fleet
from benchmarks.processes import busy_s, cpu_by_group
from benchmarks.quantiles import per_second
from benchmarks.servers import Servers
from shared.runtime.clock import monotonic_s

HARNESS = "harness"


@dataclass(frozen=True, slots=True)
class Mark:
    """How things stood at an instant; counters of which only differences mean anything."""

    at_s: float
    events: int
    cpu_s: Mapping[str, float]
    machine_busy_s: float


def roots(fleet: Fleet, servers: Servers) -> dict[str, list[int]]:
    """The processes that take part, by who they are."""
    return {**fleet.pids(), "kafka": [servers.kafka_pid], "postgres": [servers.postgres_pid]}


def mark(fleet: Fleet, servers: Servers, *, events: int) -> Mark:
    """How things stand now, with *events* done."""
    at_s, busy = monotonic_s(), busy_s()
    own = os.times()
    cpu = cpu_by_group(roots(fleet, servers)) | {HARNESS: own.user + own.system}
    return Mark(at_s, events, cpu, busy)


@dataclass(frozen=True, slots=True)
class Cost:
    """The difference of two marks.

    Attributes:
        others_cores: how many cores were busy with something else on average; noise.
    """

    events: int
    seconds: float
    cpu_s: Mapping[str, float]
    others_cores: float

    @property
    def events_per_second(self) -> float:
        """By the clock on the wall."""
        return per_second(self.events, self.seconds)

    def events_per_cpu_second(self, *groups: str) -> float:
        """Of the processes of *groups*; of all that take part when none is named."""
        return per_second(self.events, sum(self.cpu_s[group] for group in groups or self._partakers()))

    def _partakers(self) -> list[str]:
        return [group for group in self.cpu_s if group != HARNESS]


def cost(before: Mark, after: Mark) -> Cost:
    """What happened between two marks."""
    seconds = after.at_s - before.at_s
    cpu = {name: after.cpu_s[name] - before.cpu_s[name] for name in after.cpu_s}
    others = after.machine_busy_s - before.machine_busy_s - sum(cpu.values())
    return Cost(after.events - before.events, seconds, cpu, max(per_second(others, seconds), 0.0))
