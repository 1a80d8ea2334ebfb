"""What processes cost, by Linux' /proc: CPU seconds of a whole tree, memory, and what others took."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/<pid>/stat that count.

    Attributes:
        cpu_s: user and system time of all threads, and of children that have ended.
    """

    parent: int
    cpu_s: float


def parse_stat(text: str) -> Stat:
    """The fields of one stat file (proc(5)); the name in brackets may hold anything."""
    fields = text.rpartition(")")[2].split()
    return Stat(parent=int(fields[1]), cpu_s=sum(map(int, fields[11:15])) / TICKS_PER_S)


def all_stats() -> dict[int, Stat]:
    """Every process there is."""
    found = {}
    for directory in PROC.iterdir():
        if directory.name.isdecimal():
            try:
                found[int(directory.name)] = parse_stat((directory / "stat").read_text(errors="replace"))
            except OSError:
                continue
    return found


def tree(root: int, stats: Mapping[int, Stat]) -> list[int]:
    """*root* and everything below it."""
    children = defaultdict(list)
    for pid, stat in stats.items():
        children[stat.parent].append(pid)
    found, left = [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        left += children[pid]
    return found


def cpu_by_group(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """CPU seconds so far of each group of processes, named by their roots, children included."""
    stats = all_stats()
    return {
        name: sum(stats[pid].cpu_s for root in roots for pid in tree(root, stats) if pid in stats)
        for name, roots in groups.items()
    }


def busy_s(text: str | None = None) -> float:
    """CPU seconds that the whole machine has spent at work since it started (proc(5), stat, first line)."""
    line = (text or (PROC / "stat").read_text()).splitlines()[0]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def memory_mib(roots: Iterable[int]) -> float:
    """Memory of a group of processes: what each has for itself, and once what they have in common."""
    stats = all_stats()
    pids = {pid for root in roots for pid in tree(root, stats)}
    found = [parse_status(text) for pid in pids if (text := _status(pid))]
    shared = [max((memory.get(name, 0) for memory in found), default=0) for name in ("RssFile", "RssShmem")]
    return (sum(memory.get("RssAnon", 0) for memory in found) + sum(shared)) / 1024


def _status(pid: int) -> str:
    try:
        return (PROC / str(pid) / "status").read_text(errors="replace")
    except OSError:
        return ""


def parse_status(text: str) -> dict[str, int]:
    """The sizes in one status file (proc(5)), in KiB by name."""
    lines = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {words[0].rstrip(":"): int(words[1]) for words in lines}
