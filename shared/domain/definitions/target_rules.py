"""What a target must keep to, alone and with the rest of its KPI; each broken rule is told at its field."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from shared.domain.aggregates import Aggregate
from shared.domain.definitions.specs import KpiSpec
from shared.domain.definitions.target_days import first_of
from shared.domain.definitions.target_parts import (
    DatedValue,
    LinePoint,
    Phased,
    SeriesTarget,
    Target,
    TargetRule,
)
from shared.domain.reckonings import Period
from shared.domain.targets import Base, Direction

Path = tuple[str | int, ...]
Found = Iterator[tuple[Path, str]]

ADDITIVE = (Aggregate.COUNT, Aggregate.SUM)
"""The aggregates whose values over the parts of a stretch add up to that of the stretch."""

_KINDS = ("value", "by_period", "ramp", "kpi", "benchmark")
_MULTIPLIED = ("kpi", "benchmark")


def target_faults(kpi: KpiSpec) -> Found:
    """Every rule that the targets of *kpi* break, but for what depends on other KPIs."""
    named: dict[str, int] = {}
    without = 0
    for place, target in enumerate(kpi.target):
        path = ("target", place)
        without += not target.windows
        if not target.windows and without > 1:
            yield path, "there is another target without windows: name the windows that this one is for"
        for number, window in enumerate(target.windows):
            if window not in kpi.windows:
                yield (*path, "windows", number), f"{window} is not among the KPI's windows"
            if window in named:
                yield (*path, "windows", number), f"there is another target for {window}"
            named.setdefault(window, place)
        yield from _target(kpi, target, path)


def _target(kpi: KpiSpec, target: Target, path: Path) -> Found:
    if target.by_dimension and not _kinds(target):
        for name in ("warning", "at_risk", "tolerance", "phasing"):
            if getattr(target, name) is not None:
                yield (*path, name), f"{name} goes with {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
    else:
        yield from _rule(kpi, target, path)
    seen: set[frozenset[tuple[str, str | None]]] = set()
    for number, series in enumerate(target.by_dimension):
        place = (*path, "by_dimension", number)
        yield from _rule(kpi, series, place)
        yield from _dimensions(kpi, series, place)
        named = frozenset(series.dimensions.items())
        if named in seen:
            yield (*place, "dimensions"), "there is another target for these dimensions"
        seen.add(named)


def _dimensions(kpi: KpiSpec, series: SeriesTarget, path: Path) -> Found:
    names = {name.removeprefix("data.") for name in series.dimensions}
    kept = [{name.removeprefix("data.") for name in names} for names in kpi.all_breakdowns]
    if not any(names <= each for each in kept):
        told = ", ".join(sorted(names))
        yield (*path, "dimensions"), f"no breakdown of the KPI has {told}, so this target is for no series"


def _kinds(rule: TargetRule) -> list[str]:
    return [name for name in _KINDS if getattr(rule, name) not in (None, ())]


def _rule(kpi: KpiSpec, rule: TargetRule, path: Path) -> Found:
    kinds = _kinds(rule)
    if len(kinds) != 1:
        told = f"and not {' and '.join(kinds)}" if kinds else "and there is none of them"
        yield path, f"a target is one of {', '.join(_KINDS)}, {told}"
        return
    yield from _belonging(rule, kinds[0], path)
    yield from _bounds(kpi, rule, path)
    match kinds[0]:
        case "by_period":
            yield from _ascending(kpi, rule.by_period, (*path, "by_period"))
            yield from _warnings(kpi, rule, rule.by_period, (*path, "by_period"))
        case "ramp":
            if len(rule.ramp) == 1:
                yield (*path, "ramp"), "a ramp goes through two points at least"
            yield from _ascending(kpi, rule.ramp, (*path, "ramp"))
        case "benchmark" if rule.benchmark is not None:
            values = rule.benchmark.values
            yield from _ascending(kpi, values, (*path, "benchmark", "values"))
            for place, each in enumerate(values):
                if each.warning is not None:
                    yield (*path, "benchmark", "values", place, "warning"), "a benchmark has at_risk instead"
        case "kpi" if rule.kpi == kpi.slug and rule.of is Base.SAME and not rule.total:
            yield (
                (*path, "kpi"),
                "a KPI is no target of itself: say of: previous, of: last_year or total: true",
            )
    if rule.phasing is not None:
        yield from _phasing(kpi, rule, rule.phasing, path)


def _belonging(rule: TargetRule, kind: str, path: Path) -> Found:
    """What is said of one kind and belongs to another."""
    if rule.warning is not None and kind != "value":
        yield (*path, "warning"), f"warning stands beside a value; with {kind}, say at_risk: 0.95"
    if rule.times != 1 and kind not in _MULTIPLIED:
        yield (*path, "times"), "times multiplies the value of a kpi or a benchmark"
    if rule.of is not Base.SAME and kind != "kpi":
        yield (*path, "of"), "of says which value of a kpi is meant"
    if rule.total and kind != "kpi":
        yield (*path, "total"), "total says that the total of a kpi is meant"
    if rule.phasing is not None and kind not in ("value", "by_period"):
        yield (*path, "phasing"), f"phasing spreads a value or by_period, and this is a {kind}"


def _bounds(kpi: KpiSpec, rule: TargetRule, path: Path) -> Found:
    if rule.at_risk is not None and rule.value == 0:
        yield (*path, "at_risk"), "of a target of 0 there is no part to attain: say warning"
    if rule.at_risk is not None and rule.warning is not None:
        yield (*path, "at_risk"), "at_risk and warning say the same in two ways: leave one out"
    if kpi.direction is Direction.BAND:
        if rule.tolerance is None:
            yield path, "with the direction band, a target needs a tolerance: how far off is still good"
        elif rule.tolerance < 0:
            yield (*path, "tolerance"), "a tolerance is not negative"
    elif rule.tolerance is not None:
        yield (*path, "tolerance"), "tolerance is for KPIs with the direction band"
    if rule.value is not None and rule.warning is not None:
        wrong = _wrong_warning(kpi, rule, rule.value, rule.warning)
        if wrong:
            yield (*path, "warning"), wrong


def _warnings(kpi: KpiSpec, rule: TargetRule, values: Sequence[DatedValue], path: Path) -> Found:
    for place, each in enumerate(values):
        if each.warning is None:
            continue
        where = (*path, place, "warning")
        if rule.at_risk is not None:
            yield where, "at_risk and warning say the same in two ways: leave one out"
        elif each.value is None:
            yield where, "without a value there is nothing to warn of"
        else:
            wrong = _wrong_warning(kpi, rule, each.value, each.warning)
            if wrong:
                yield where, wrong


def _wrong_warning(kpi: KpiSpec, rule: TargetRule, value: Decimal, warning: Decimal) -> str | None:
    match kpi.direction:
        case Direction.UP if warning >= value:
            return "with the direction up, warning is below the target"
        case Direction.DOWN if warning <= value:
            return "with the direction down, warning is above the target"
        case Direction.BAND if rule.tolerance is not None and warning <= rule.tolerance:
            return "with the direction band, warning is a distance above the tolerance"
    return None


def _ascending(kpi: KpiSpec, values: Sequence[DatedValue | LinePoint], path: Path) -> Found:
    days = [
        first_of(each.begin if isinstance(each, DatedValue) else each.day, reckoning=kpi.reckoning)
        for each in values
    ]
    for place, (earlier, later) in enumerate(pairwise(days), 1):
        if later <= earlier:
            yield (*path, place), f"{later} is not after {earlier}: write the earliest first, each once"


def _phasing(kpi: KpiSpec, rule: TargetRule, phased: Phased, path: Path) -> Found:
    place = (*path, "phasing")
    if kpi.formula is None and kpi.aggregate not in ADDITIVE:
        yield place, f"a {kpi.aggregate} of a month is no sum of its days: phasing is for counts and sums"
    if phased.every is Period.HOUR:
        yield (*place, "every"), "every is day, week, month, quarter or year"
        return
    for number, each in enumerate(rule.by_period):
        day = first_of(each.begin, reckoning=kpi.reckoning)
        if kpi.reckoning.first_day(phased.every, day) != day:
            told = f"{each.begin} is not the first day of a {phased.every}, which the amount is for"
            yield (*path, "by_period", number, "from"), told
    yield from _weights(phased, place)


def _weights(phased: Phased, path: Path) -> Found:
    if phased.every is Period.DAY:
        for name in ("weekdays", "months", "days"):
            if getattr(phased, name):
                yield (*path, name), "a day has nothing to be spread over"
        return
    if phased.months and phased.every not in (Period.QUARTER, Period.YEAR):
        yield (*path, "months"), "weights of months need a quarter or a year to be spread over"
    for name, all_of in (("weekdays", 7), ("months", 12)):
        weights = getattr(phased, name)
        if len(weights) == all_of and not any(weights.values()):
            yield (*path, name), "one weight at least is above 0"
