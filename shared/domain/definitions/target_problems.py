"""What targets owe to the other KPIs of a catalogue: those that they follow, and what may be spread."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.domain.definitions.additive import adds_up
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.same_periods import other_periods
from shared.domain.definitions.target_parts import TargetRule

Path = tuple[str | int, ...]
Found = Iterator[tuple[Path, str]]


def target_problems(kpi: Kpi, kpis: Mapping[str, Kpi]) -> Found:
    """The fields of the targets of *kpi* that do not hold together with *kpis*, each with what is wrong."""
    for place, target in enumerate(kpi.target):
        path: Path = ("target", place)
        others = {window for each in kpi.target for window in each.windows}
        windows = target.windows or tuple(window for window in kpi.windows if window not in others)
        rules: list[tuple[Path, TargetRule]] = [(path, target)]
        rules += [((*path, "by_dimension", n), each) for n, each in enumerate(target.by_dimension)]
        for where, rule in rules:
            if rule.phasing is not None and kpi.is_formula and not adds_up(kpis, kpi.slug):
                message = "this formula over a month is no sum over its days: phasing is for what adds up"
                yield (*where, "phasing"), message
            if rule.kpi is not None:
                yield from _followed(_Following(kpi, rule, windows), rule.kpi, kpis, (*where, "kpi"))


@dataclass(frozen=True, slots=True)
class _Following:
    """A rule of a KPI that follows another one, for these windows."""

    kpi: Kpi
    rule: TargetRule
    windows: tuple[str, ...]


def _followed(one: _Following, slug: str, kpis: Mapping[str, Kpi], path: Path) -> Found:
    if slug not in kpis:
        close = difflib.get_close_matches(slug, kpis, n=1)
        yield path, f"there is no KPI {slug!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        return
    kpi, followed = one.kpi, kpis[slug]
    missing = [window for window in one.windows if window not in followed.windows]
    if missing:
        yield path, f"the target needs {slug}, which has no window {missing[0]}"
    kept = [set(names) for names in followed.all_breakdowns]
    lacking = [names for names in kpi.breakdowns if set(names) not in kept]
    if lacking and not one.rule.total:
        told = ", ".join(lacking[0])
        yield path, f"the target needs {slug}, which has no breakdown [{told}]; say total: true for its total"
    own = [window for window in one.windows if window in kpi.windows]
    for _, message in other_periods(kpi, followed, own):
        yield path, message
