"""The document and the table: keys that stay, medians and ratios that are right."""

import io
import json
from dataclasses import replace
from typing import Any

from rich.console import Console

from benchmarks import cases
from benchmarks.backfills import Backfills
from benchmarks.cases import Case, Scenario
from benchmarks.documents import document, encoded
from benchmarks.drains import Drain
from benchmarks.latencies import Latency
from benchmarks.machines import Environment, cpu_model
from benchmarks.quantiles import Spread
from benchmarks.runs import Results, options
from benchmarks.scrapes import Scrape
from benchmarks.tables import number, table
from benchmarks.takeovers import TakeOver
from benchmarks.usage import Cost, Mark, cost

ENVIRONMENT = Environment(
    measured_at="2026-01-01T00:00:00+00:00",
    cores=2,
    cpu_model="Abacus",
    memory_mib=4096,
    system="Linux",
    python="3.11",
    kafka="4.4.0",
    postgres="18",
    git_revision="abc",
    git_is_dirty=False,
    load_1m=0.1,
    load_5m=0.2,
)
SPREAD = Spread(count=300, p50_s=0.1, p99_s=0.25, max_s=0.5)
METRICS = """
# TYPE tidemark_compute_events counter
tidemark_compute_events_total{outcome="applied"} 1000
# TYPE tidemark_compute_pane_rows counter
tidemark_compute_pane_rows_total 250
# TYPE tidemark_compute_flush_seconds histogram
tidemark_compute_flush_seconds_bucket{le="0.1"} 4
tidemark_compute_flush_seconds_bucket{le="+Inf"} 4
tidemark_compute_flush_seconds_count 4
tidemark_compute_flush_seconds_sum 0.2
"""


def a_drain(case: Case, *, rate: float, others_cores: float = 0.05) -> Drain:
    """A thousand events at *rate*, half of the time on one core."""
    seconds = 1000 / rate
    done = Cost(
        1000, seconds, {"compute": seconds / 4, "kafka": seconds / 4, "harness": seconds}, others_cores
    )
    return Drain(case, 1000, done, 1.0, {"compute": 100.0}, Scrape.of([METRICS]))


def results(*drains: Drain, scenarios: frozenset[Scenario] = frozenset(Scenario)) -> Results:
    """A run that has found *drains*, and latencies and reading times of one kind."""
    wanted = options(scenarios, events=1000, quick=True)
    latency = Latency(500.0, dict.fromkeys(("api", "panes", "current"), SPREAD), 0.001, drains[0].cost)
    return Results(wanted, ENVIRONMENT, drains, latency, {"value": SPREAD})


def whole_run() -> Results:
    """Every kind of drain; five windows are a little slower in the first of three rounds, once faster."""
    rates: dict[Case, tuple[int, ...]] = {cases.WHOLE_ONE_WINDOW: (100, 100, 100), cases.WHOLE: (90, 98, 110)}
    rates |= {cases.COMPUTE_ONE_WINDOW: (200, 200, 200), cases.COMPUTE: (200, 180, 180)}
    rates |= {cases.INGEST: (70, 50, 60), cases.WHOLE_TWO_COMPUTES: (120,)}
    rates |= dict.fromkeys(cases.MANY_WINDOWS, (300, 300, 300)) | {cases.MANY_WINDOWS[3]: (270, 300, 285)}
    run = results(*(a_drain(case, rate=rate) for case, several in rates.items() for rate in several))
    live = run.of(cases.WHOLE_TWO_COMPUTES)[0].cost
    again = Backfills(whole=replace(live, events=2500), one=replace(live, events=5000))
    taken = (TakeOver(6.0, 0.5, 1000), TakeOver(6.0, 0.75, 3000), TakeOver(6.0, 0.7, 2000))
    return replace(run, backfills=again, take_overs=taken)


def found() -> Any:
    """The document as a program reads it."""
    return json.loads(encoded(document(whole_run())))


def test_keys() -> None:
    """The keys that programs rely on are there."""
    keys = found()

    assert set(keys) == {
        "schema", "environment", "options", "end_to_end", "stages", "windows", "rows", "latency", "reading",
        "targets", "drains", "three_breakdowns", "many_windows", "two_computes", "series",
        "backfill", "take_over",
    }  # fmt: skip
    assert set(keys["end_to_end"]) == {"one_compute", "two_computes"}
    assert set(keys["stages"]["ingest"]) == {
        "events_per_second", "events_per_second_with_start", "events_per_cpu_second", "start_seconds",
        "cpu_us_per_event", "memory_mib", "events_per_cpu_second_of",
    }  # fmt: skip
    assert set(keys["latency"]) >= {"events_per_second", "api", "panes", "current", "latest_send_ms"}
    assert set(keys["latency"]["api"]) == {"count", "p50_ms", "p99_ms", "max_ms"}
    assert set(keys["environment"]) >= {"cores", "cpu_model", "kafka", "postgres", "git_revision", "load_1m"}


def test_medians() -> None:
    """A figure of several rounds is their median."""
    assert found()["stages"]["ingest"]["events_per_second"] == 60
    assert found()["end_to_end"]["one_compute"]["events_per_second"] == 98


def test_ratio() -> None:
    """The ratio is the median of the rounds' ratios: 0.90, 0.98 and 1.10 end to end."""
    windows = found()["windows"]

    assert windows["end_to_end"]["ratios"] == [0.9, 0.98, 1.1]
    assert windows["end_to_end"]["ratio"] == 0.98
    assert windows["compute"]["ratio"] == 0.9


def test_disturbed() -> None:
    """Rounds in which others took much of the machine do not count beside one that they left in peace."""
    drains = [a_drain(cases.WHOLE, rate=20, others_cores=1.0), a_drain(cases.WHOLE, rate=90)]
    drains += [a_drain(cases.WHOLE_ONE_WINDOW, rate=100), a_drain(cases.WHOLE_ONE_WINDOW, rate=100)]
    drains += [a_drain(case, rate=100) for case in (cases.COMPUTE, cases.COMPUTE_ONE_WINDOW)]
    keys = document(results(*drains))

    assert keys["end_to_end"]["one_compute"]["events_per_second"] == 90
    assert keys["windows"]["end_to_end"]["ratios"] == [0.9]
    assert [one["is_disturbed"] for one in keys["drains"]] == [True] + 5 * [False]


def test_all_disturbed() -> None:
    """When there is nothing else, a disturbed figure is better than none."""
    drains = [a_drain(cases.WHOLE, rate=20, others_cores=1.0)]
    keys = document(results(*drains, scenarios=frozenset({Scenario.END_TO_END})))

    assert keys["end_to_end"]["one_compute"]["events_per_second"] == 20
    assert keys["targets"]["end_to_end_events_per_second"]["is_disturbed"]


def test_targets() -> None:
    """Each target says what it came to and whether that is enough."""
    targets = found()["targets"]

    expected = {"target": 0.95, "measured": 0.98, "reached": True, "is_disturbed": False}
    assert targets["windows_ratio_end_to_end"] == expected
    assert not targets["windows_ratio_compute"]["reached"]
    assert not targets["end_to_end_events_per_second"]["reached"]


def test_cpu() -> None:
    """Events by CPU-second leave the harness out: 98 events in a second of 0.5 CPU-seconds."""
    one = found()["end_to_end"]["one_compute"]

    assert one["events_per_cpu_second"] == 196
    assert one["cpu_us_per_event"]["compute"] == 2551


def test_rows() -> None:
    """250 rows of 1000 events in 4 flushes."""
    rows = found()["rows"]["compute"]

    assert (rows["pane_rows_per_event"], rows["events_per_flush"]) == (0.25, 250)


def test_left_out() -> None:
    """A scenario that was not asked for is null, and so is no target claimed for it."""
    drains = [a_drain(cases.WHOLE, rate=100)]
    keys = document(results(*drains, scenarios=frozenset({Scenario.LATENCY})))

    assert (keys["end_to_end"], keys["stages"], keys["windows"]) == (None, None, None)
    assert keys["targets"] == {}


def test_table() -> None:
    """The table for people names every scenario, whether a target was reached, and the machine."""
    screen = Console(width=200, file=io.StringIO(), record=True)
    screen.print(table(document(whole_run())))
    text = screen.export_text()

    for words in (
        "NOT reached",
        "end to end, two computes",
        "ingest alone",
        "five windows to one",
        "2 cores",
    ):
        assert words in text


def test_table_of_little() -> None:
    """A table of one scenario has no lines of the others."""
    drains = [a_drain(case, rate=100) for case in cases.plan({Scenario.END_TO_END}, rounds=1)]
    shown = table(document(results(*drains, scenarios=frozenset({Scenario.END_TO_END}))))

    # One target, two drains, the rows of the first, three readers and one kind of answer.
    assert shown.row_count == 8


def test_cost() -> None:
    """The cost is the difference of two marks; what the machine did beside it are the others."""
    before = Mark(10.0, 100, {"compute": 1.0, "harness": 5.0}, 50.0)
    after = Mark(12.0, 500, {"compute": 2.0, "harness": 5.5}, 54.5)

    # 4.5 s busy less 1.5 s of ours in 2 s.
    assert cost(before, after) == Cost(400, 2.0, {"compute": 1.0, "harness": 0.5}, 1.5)


def test_number() -> None:
    """Numbers have as many places as say something."""
    assert [number(one) for one in (53_566.4, 100, 12.34, 0.0421, None)] == [
        "53,566",
        "100",
        "12.3",
        "0.0421",
        "-",
    ]


def test_cpu_model() -> None:
    """The processor's name is the first that the machine tells."""
    assert cpu_model("processor\t: 0\nmodel name\t: Abacus 9\n\nmodel name\t: other\n") == "Abacus 9"


def test_scales() -> None:
    """Windows are compared with one window round by round, and compute's own CPU is said by itself."""
    scales = found()

    assert {number: one["ratio"] for number, one in scales["many_windows"].items()} == {
        "5": 1.0,
        "20": 1.0,
        "50": 0.95,
    }
    assert scales["three_breakdowns"]["events_per_cpu_second_of"]["compute"] == 1200
    assert scales["two_computes"]["events_per_second"] == 120


def test_backfill_beside_live() -> None:
    """A backfill is compared with the whole live path of the same run, by the clock and by CPU."""
    filled = found()["backfill"]

    # In the time and with the CPU of 1,000 live events: 2,500 and 5,000.
    assert [filled[name]["ratio"] for name in ("all", "one")] == [2.5, 5.0]
    assert [filled[name]["cpu_ratio"] for name in ("all", "one")] == [2.5, 5.0]


def test_take_over() -> None:
    """Of several kills the middle one is told, and the longest."""
    taken = found()["take_over"]

    assert (taken["median_s"], taken["longest_s"], taken["ids_loaded"]) == (0.7, 0.75, 2000)
