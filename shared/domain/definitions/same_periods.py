"""Whether the windows of two KPIs are of the same periods; it knows no catalogue."""

from collections.abc import Iterable, Iterator

from shared.domain.definitions.kpis import Kpi
from shared.domain.reckonings import WEEKDAYS, Period, Reckoning
from shared.domain.windows import Sliding, needs_zone


def other_periods(kpi: Kpi, other: Kpi, windows: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What keeps the *windows* of *kpi* from being those of *other*: fields of *kpi* and what is wrong."""
    parsed = [kpi.window_of(name) for name in windows]
    zoned = next((window.name for window in parsed if needs_zone(window)), None)
    if zoned is not None and kpi.zone != other.zone:
        yield "zone", f"{zoned} begins in {kpi.zone} here and in {other.zone} for {other.slug}"
    for window in parsed:
        if isinstance(window, Sliding):
            continue
        here, there = kpi.reckoning, other.reckoning
        if here.part(window.period) != there.part(window.period):
            is_plain = here.years is None and there.years is None and window.period is not Period.WEEK
            told = f"{_in_words(here, window.period)} here and by {_in_words(there, window.period)}"
            yield (
                "fiscal_year_start" if is_plain else "calendar",
                f"{window.name} goes by {told} for {other.slug}",
            )
            return


def _in_words(reckoning: Reckoning, period: Period) -> str:
    if period is Period.WEEK:
        return f"weeks from {WEEKDAYS[reckoning.week_start]}"
    years = reckoning.years
    if years is None:
        return f"years from month {reckoning.year_start}"
    weeks = "-".join(map(str, years.weeks))
    return f"{weeks} weeks of years to the {years.rule} {WEEKDAYS[years.weekday]} of month {years.month}"
