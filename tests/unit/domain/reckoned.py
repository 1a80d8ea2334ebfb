"""Reckonings for laws, and what the oracle knows each as."""

from hypothesis import strategies as st

from shared.domain.reckonings import Reckoning, WeekYears, YearEnd
from tests.oracle.calendars import Years

WEEK_YEARS = st.builds(
    WeekYears,
    st.sampled_from([(4, 4, 5), (4, 5, 4), (5, 4, 4)]),
    st.integers(1, 12),
    st.integers(0, 6),
    st.sampled_from(YearEnd),
)
"""Years of weeks of every sort."""

RECKONINGS = st.builds(Reckoning, st.integers(1, 12), st.integers(0, 6)) | WEEK_YEARS.map(
    lambda years: Reckoning(1, (years.weekday + 1) % 7, years)
)
"""Years of months or of weeks, and weeks that begin on any day."""


def years_of(reckoning: Reckoning) -> Years:
    """The same for the oracle."""
    years, week_start = reckoning.years, reckoning.week_start + 1
    if years is None:
        return Years(reckoning.year_start, week_start)
    ends = years.weekday + 1, years.month, years.rule.value
    return Years(1, week_start, "-".join(map(str, years.weeks)), ends)
