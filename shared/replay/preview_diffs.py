"""What is in force and what would be, side by side over one log: only the definitions differ."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.domain.definitions import Catalogue
from shared.domain.lineage import lineage
from shared.domain.readings import Reading
from shared.domain.targets.judging import EXACT
from shared.replay.previews import Preview, Question
from shared.storage.readings import Ask


@dataclass(frozen=True, slots=True)
class Pair:
    """A KPI over a window at an instant, before and after.

    Attributes:
        before: by what is in force; None where that has no such KPI or window.
        after: by what would be.
    """

    at: datetime
    before: Reading | None
    after: Reading

    @property
    def difference(self) -> Decimal | None:
        """What the value would be less what it is; None where either is not there."""
        if self.before is None or self.before.value is None or self.after.value is None:
            return None
        return EXACT.subtract(self.after.value, self.before.value)

    @property
    def is_other(self) -> bool:
        """Whether there is a value before, or could be, and another one after."""
        return self.before is not None and self.before.value != self.after.value


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A KPI over one window, before and after, at some instants."""

    slug: str
    window: str
    is_new: bool
    pairs: tuple[Pair, ...]

    @property
    def others(self) -> tuple[Pair, ...]:
        """The instants at which the values differ."""
        return tuple(pair for pair in self.pairs if pair.is_other)


def affected(after: Catalogue, changed: Iterable[str]) -> list[str]:
    """The KPIs *changed* and all whose formulas read one of them, directly or through others, by slug."""
    found = set(changed)
    for slug in tuple(found):
        found |= {each.slug for each in lineage(after, slug).used_by}
    return sorted(found)


def side_by_side_questions(
    before: Catalogue, after: Catalogue, slugs: Collection[str], *,
    window: str | None, instants: Sequence[datetime],
) -> tuple[Question, Question]:  # fmt: skip
    """What is asked of both catalogues: the totals of *slugs* over their windows at *instants*.

    Args:
        before: what is in force; it shares its numbers with *after*.
        after: what would be.
        slugs: KPIs of *after*.
        window: the one window that is looked at, of those KPIs that have it; None is all of them.
        instants: at least one.
    """
    asks = [
        Ask(slug, name, (), at)
        for slug in slugs
        for name in after.kpis[slug].windows
        if window in (None, name)
        for at in instants
    ]
    return Question(before, [ask for ask in asks if _has(before, ask)]), Question(after, asks)


def _has(catalogue: Catalogue, ask: Ask) -> bool:
    kpi = catalogue.kpis.get(ask.slug)
    return kpi is not None and ask.window in kpi.windows


def side_by_side(preview: Preview, questions: tuple[Question, Question]) -> list[SideBySide]:
    """The readings of both *questions*, by KPI and window; seconds of arithmetic if they are thousands."""
    old, new = questions
    was = dict(zip(old.asks, preview.readings(old), strict=True))
    found: dict[tuple[str, str], list[Pair]] = {}
    for ask, reading in zip(new.asks, preview.readings(new), strict=True):
        found.setdefault((ask.slug, ask.window), []).append(Pair(ask.at, was.get(ask), reading))
    return [
        SideBySide(slug, window, slug not in old.catalogue.kpis, tuple(pairs))
        for (slug, window), pairs in found.items()
    ]
