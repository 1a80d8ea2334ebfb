"""KPIs found by a few words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.definitions.searching import Hit, folded, hit, words_of
from tests.unit.domain.kpi_builders import a_kpi

REVENUE = a_kpi(
    "net_revenue",
    title="Umsatz je Köpfe",
    description="What customers paid.",
    glossary="Erlöse nach Rückgaben",
    tags=["board"],
    owner="René Müller",
    department=["Vertrieb Süd", "Finanzen"],
    objective="Straße zum Erfolg",
    unit="EUR",
)

CASES = [
    ("revenue", Hit.NAMED),
    ("net_rev", Hit.NAMED),
    ("KOPFE", Hit.NAMED),
    ("köpfe  UMSATZ", Hit.NAMED),
    ("\uff35msatz", Hit.NAMED),  # a wide U
    ("paid", Hit.TOLD),
    ("erlose ruckgaben", Hit.TOLD),
    ("board", Hit.TOLD),
    ("rene muller", Hit.TOLD),
    ("sud finanz", Hit.TOLD),
    ("STRASSE", Hit.TOLD),
    ("umsatz board", Hit.TOLD),
    ("umsatz brett", None),
    ("EUR", None),
    ("revenueumsatz", None),
    ("boardvertrieb", None),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_hit(text: str, expected: Hit | None) -> None:
    """All words must be there, whatever their case and accents; slug and title come before the rest."""
    assert expected is hit(REVENUE, words_of(text))


@given(st.text())
def test_folded_once(text: str) -> None:
    """What is folded already stays as it is, so that any text finds itself."""
    assert folded(text) == folded(folded(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "M", "Zs"]), max_size=30))
def test_spelling(text: str) -> None:
    """The ways in which Unicode spells a text are one, and so are its cases."""
    assert words_of(text) == words_of(unicodedata.normalize("NFC", text))
    assert words_of(text) == words_of(unicodedata.normalize("NFKD", text.casefold()))


def test_nothing_to_look_for() -> None:
    """Blanks and lone accents are no words."""
    assert words_of(" \u00a0\t\u0301") == ()
