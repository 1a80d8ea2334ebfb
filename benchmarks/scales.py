"""What grows and what it costs: breakdowns, windows, processes, series; as sections of the document."""

from dataclasses import asdict

from benchmarks import cases
from benchmarks.cases import Scenario
from benchmarks.drains import undisturbed
from benchmarks.figures import Document, rounded, summary, written
from benchmarks.quantiles import median, per_second
from benchmarks.runs import Results
from benchmarks.usage import Cost


def three_breakdowns(results: Results) -> Document | None:
    """Compute alone with ten KPIs on three breakdowns: its own CPU time for an event is the figure."""
    drains = results.of(cases.THREE)
    if Scenario.THREE_BREAKDOWNS not in results.options.scenarios or not drains:
        return None
    return (summary(drains) or {}) | written(drains[-1])


def two_computes(results: Results) -> Document | None:
    """The whole path with two compute processes."""
    if Scenario.TWO_COMPUTES not in results.options.scenarios:
        return None
    return summary(results.of(cases.WHOLE_TWO_COMPUTES))


def many_windows(results: Results) -> Document | None:
    """Speeds with several windows to that with one, round by round, by the clock and by compute's CPU."""
    if Scenario.MANY_WINDOWS not in results.options.scenarios:
        return None
    one, *others = ([drain.cost for drain in results.of(case)] for case in cases.MANY_WINDOWS)
    found: Document = {}
    for case, costs in zip(cases.MANY_WINDOWS[1:], others, strict=True):
        pairs = list(zip(one, costs, strict=True))
        if not pairs:
            continue
        found[str(case.windows)] = {
            "ratio": rounded(median(b.events_per_second / a.events_per_second for a, b in pairs)),
            "cpu_ratio": rounded(
                median(
                    b.events_per_cpu_second("compute") / a.events_per_cpu_second("compute") for a, b in pairs
                )
            ),
        }
    return found


def series(results: Results) -> list[Document] | None:
    """What a number of series costs, one after the other."""
    if Scenario.SERIES not in results.options.scenarios:
        return None
    return [{name: rounded(value) for name, value in asdict(one).items()} for one in results.series]


def backfill(results: Results) -> Document | None:
    """Counting again beside the whole live path of the same run, both with two compute processes."""
    if results.backfills is None:
        return None
    live = undisturbed(results.of(cases.WHOLE_TWO_COMPUTES))[0].cost
    filled = {"all": results.backfills.whole, "one": results.backfills.one}
    return {name: _again(one, live) for name, one in filled.items()}


def _again(one: Cost, live: Cost) -> Document:
    return {
        "events_per_second": rounded(one.events_per_second),
        "compute_us_per_event": rounded(per_second(one.cpu_s["compute"] * 1e6, one.events)),
        "ratio": rounded(one.events_per_second / live.events_per_second),
        "cpu_ratio": rounded(one.events_per_cpu_second() / live.events_per_cpu_second()),
        "others_cores": rounded(one.others_cores),
    }


def take_over(results: Results) -> Document | None:
    """From the broker's removing a killed process to the survivor's being current, each round's seconds."""
    if not results.take_overs:
        return None
    waits = [one.current_s for one in results.take_overs]
    return {
        "median_s": rounded(median(waits)),
        "longest_s": rounded(max(waits)),
        "rounds_s": [*map(rounded, waits)],
        "ids_loaded": round(median(one.ids for one in results.take_overs)),
    }
