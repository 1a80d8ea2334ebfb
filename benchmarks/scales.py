"""What grows and what it costs: breakdowns, windows, processes, series; as sections of the document."""

from dataclasses import asdict

from benchmarks import cases
from benchmarks.cases import Scenario
from benchmarks.figures import Document, rounded, summary, written
from benchmarks.quantiles import median
from benchmarks.runs import Results


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
