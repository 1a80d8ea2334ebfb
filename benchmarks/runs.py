"""A whole run: servers, backlog, every drain of the plan, then latency and reading; it draws nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import cases, servers
from benchmarks.backfills import Backfills, backfills
from benchmarks.backlogs import Backlog
from benchmarks.cases import Case, Scenario
from benchmarks.drains import Drain, Source, drain, undisturbed
from benchmarks.latencies import Latency, latency
from benchmarks.machines import Environment, environment
from benchmarks.quantiles import Spread, median
from benchmarks.reading_times import Effort, reading_times
from benchmarks.rigs import Rig, Say
from benchmarks.series_costs import SERIES_COUNTS, SeriesCost, series_cost
from benchmarks.takeovers import TakeOver, take_over
from benchmarks.topics import fill, make_source
from shared.runtime.clock import epoch_us, monotonic_s, utc_now

SEED = 20_260_101
BACKLOG_S = 120.0
_TOPIC = "benchmark.backlog"

HIGHEST_RATE = 50_000.0
"""Events a second at most while latency is measured: the harness sends from a core of its own beyond that."""

PATIENCE_S = 13.0
"""For each drain of the plan: while all together have taken less, a disturbed drain is done once more, and
the less disturbed of the two is kept. An undisturbed one takes 8 to 13 s.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured.

    Attributes:
        rounds: how often each drain is done.
        probes: judged in the latency scenario.
    """

    scenarios: Collection[Scenario]
    events: int
    rounds: int
    probes: int
    effort: Effort


def options(scenarios: Collection[Scenario], *, events: int | None, quick: bool) -> Options:
    """The whole, or a *quick* look that shows that everything works and little more."""
    if quick:
        return Options(scenarios, events or 100_000, 1, 100, Effort(events=20_000, values=50, pages=10))
    return Options(scenarios, events or 500_000, 3, 400, Effort(events=60_000, values=1000, pages=50))


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a run has found out; what was not asked for is empty or None."""

    options: Options
    environment: Environment
    drains: Sequence[Drain]
    latency: Latency | None
    reading: Mapping[str, Spread]
    series: Sequence[SeriesCost] = ()
    backfills: Backfills | None = None
    take_overs: Sequence[TakeOver] = ()

    def of(self, case: Case) -> list[Drain]:
        """The drains of one kind, in the order in which they were done."""
        return [one for one in self.drains if one.case == case]


async def run(wanted: Options, *, say: Say) -> Results:
    """Measure what is *wanted*.

    Raises:
        LocalStackError: the servers cannot be had.
        BenchmarkError: a service ended, nothing moved any more, or a number came out wrong.
    """
    async with servers.own_servers(say) as up:
        rig = Rig(up, say)
        found = environment(
            measured_at=utc_now().isoformat(timespec="seconds"),
            kafka=up.kafka_version,
            postgres=await up.postgres_version(),
        )
        plan = cases.plan(wanted.scenarios, rounds=wanted.rounds)
        source = await _source(rig, wanted) if plan else None
        drains = await _drains(rig, source, plan) if source else []
        filled = await _backfills(rig, source) if source and Scenario.BACKFILL in wanted.scenarios else None
        reading = await _reading(rig, wanted)
        latency = await _latency(rig, wanted, drains)
        series = await _series(rig, wanted)
        return Results(
            wanted, found, drains, latency, reading, series, filled, await _take_overs(rig, wanted)
        )


async def _source(rig: Rig, wanted: Options) -> Source:
    backlog = Backlog.of(wanted.events, ending_at_us=epoch_us(), span_s=BACKLOG_S, seed=SEED)
    await make_source(rig.kafka, _TOPIC)
    began_s = monotonic_s()
    await fill(rig.kafka, _TOPIC, backlog.chunks())
    rig.say(f"{len(backlog):,} events are waiting, encoded and sent in {monotonic_s() - began_s:.1f} s")
    return Source(_TOPIC, backlog)


async def _drains(rig: Rig, source: Source, plan: Sequence[Case]) -> list[Drain]:
    done = list[Drain]()
    until_s = monotonic_s() + PATIENCE_S * len(plan)
    for number, case in enumerate(plan, start=1):
        one = await drain(rig, source, case)
        rig.say(f"{number}/{len(plan)} {_line(one)}")
        if one.is_disturbed and monotonic_s() < until_s:
            again = await drain(rig, source, case)
            rig.say(f"{number}/{len(plan)} again: {_line(again)}")
            one = min(one, again, key=lambda each: each.cost.others_cores)
        done.append(one)
    return done


def _line(one: Drain) -> str:
    case, cost = one.case, one.cost
    windows = f", {case.kpis.value}, {case.windows} windows" if case.stage is not cases.Stage.INGEST else ""
    computes = ", 2 compute processes" if case.computes > 1 else ""
    return (
        f"{case.stage.value}{windows}{computes}: {cost.events_per_second:,.0f} events/s,"
        f" {cost.events_per_cpu_second():,.0f} per CPU-second ({_shares(one)} us per event);"
        f" others took {cost.others_cores:.2f} cores"
    )


def _shares(one: Drain) -> str:
    """The CPU time of each that takes part, per event in microseconds."""
    return ", ".join(f"{name} {cpu * 1e6 / one.cost.events:.2f}" for name, cpu in one.cost.cpu_s.items())


async def _backfills(rig: Rig, source: Source) -> Backfills:
    rig.say("backfill: all KPIs and one of them, by two compute processes")
    return await backfills(rig, source)


async def _take_overs(rig: Rig, wanted: Options) -> Sequence[TakeOver]:
    found = list[TakeOver]()
    for _ in range(wanted.rounds if Scenario.TAKE_OVER in wanted.scenarios else 0):
        found.append(one := await take_over(rig))
        rig.say(f"take over: current {one.current_s:.2f} s after the broker had removed the member")
    return found


async def _reading(rig: Rig, wanted: Options) -> Mapping[str, Spread]:
    if Scenario.READING not in wanted.scenarios:
        return {}
    rig.say("reading: one value, 500 series, 30 days of history")
    return await reading_times(rig, wanted.effort)


async def _series(rig: Rig, wanted: Options) -> Sequence[SeriesCost]:
    found = list[SeriesCost]()
    for count in SERIES_COUNTS if Scenario.SERIES in wanted.scenarios else ():
        one = await series_cost(rig, customers=count, events=wanted.events, probes=wanted.probes)
        rig.say(f"series: {one.series:,}, {one.rows_per_event:.2f} pane rows per event")
        found.append(one)
    return found


async def _latency(rig: Rig, wanted: Options, drains: Sequence[Drain]) -> Latency | None:
    if Scenario.LATENCY not in wanted.scenarios:
        return None
    whole = undisturbed([one for one in drains if one.case == cases.WHOLE])
    rate = min(median(one.cost.events_per_second for one in whole) / 2, HIGHEST_RATE)
    rig.say(f"latency: {rate:,.0f} events/s, {wanted.probes} probes")
    one = await latency(rig, rate=rate, probes=wanted.probes)
    if not one.is_disturbed:
        return one
    rig.say(f"latency again: others took {one.cost.others_cores:.2f} cores")
    again = await latency(rig, rate=rate, probes=wanted.probes)
    return min(one, again, key=lambda each: each.cost.others_cores)
