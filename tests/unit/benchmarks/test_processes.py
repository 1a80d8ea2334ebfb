"""What /proc says, read right: names with brackets, children, and who is whose child."""

import os

import pytest

from benchmarks.processes import (
    TICKS_PER_S,
    Stat,
    all_stats,
    busy_s,
    cpu_by_group,
    memory_mib,
    parse_stat,
    parse_status,
    tree,
)
from benchmarks.scrapes import Scrape


def test_stat() -> None:
    """CPU time is that of the process and of its ended children, whatever it calls itself."""
    # Fields after the name: state, parent, 9 more, then utime, stime, cutime, cstime.
    text = "7 (a) b (c) S 3 0 0 0 0 0 0 0 0 0 100 20 3 7 0 0"

    assert parse_stat(text) == Stat(parent=3, cpu_s=130 / TICKS_PER_S)


def test_tree() -> None:
    """A tree is the root and everything below it, and nothing beside it."""
    stats = {pid: Stat(parent, 0) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 2), (5, 1))}

    assert sorted(tree(2, stats)) == [2, 3, 4]


def test_busy() -> None:
    """Waiting is no work; time that other machines took from this one is."""
    # user nice system idle iowait irq softirq steal guest guest_nice
    assert busy_s("cpu  100 10 20 9999 999 1 2 3 50 5\ncpu0 1 1 1 1\n") == 136 / TICKS_PER_S


def test_status() -> None:
    """Sizes are those with a unit."""
    assert parse_status("Name:\tpython\nRssAnon:\t   120 kB\nThreads:\t3\n") == {"RssAnon": 120}


def test_this_process() -> None:
    """The readings of the process itself are there and make sense."""
    pid = os.getpid()

    assert all_stats()[pid].parent == os.getppid()
    assert cpu_by_group({"own": [pid]})["own"] > 0
    assert memory_mib([pid]) > 5


@pytest.mark.parametrize(("labels", "expected"), [({"outcome": "applied"}, 12.0), ({"outcome": "lost"}, 0.0)])
def test_scrape(labels: dict[str, str], expected: float) -> None:
    """The samples of several processes are added up; what there is not counts as none."""
    text = '# TYPE events counter\nevents_total{outcome="applied"} 6.0\n'

    assert Scrape.of([text, text]).value("events_total", **labels) == expected


def test_scraped_buckets() -> None:
    """The buckets of a histogram come in the order of their edges."""
    buckets = 's_bucket{le="+Inf"} 3\ns_bucket{le="10"} 2\ns_bucket{le="2"} 1\n'
    text = f"# TYPE s histogram\n{buckets}s_count 3\ns_sum 9\n"

    assert Scrape.of([text]).buckets("s") == [(2.0, 1.0), (10.0, 2.0), (float("inf"), 3.0)]
