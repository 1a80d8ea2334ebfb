"""Current values as records."""

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.values import decode_value, encode_value, parsed_key, value_key
from shared.domain.targets import Judgement, Status
from tests.unit.api.builders import a_kpi, a_reading

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SLUGS = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@given(SLUGS, st.sampled_from(["24h", "today"]), st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3))
def test_keys(slug: str, window: str, dimensions: Mapping[str, str | None]) -> None:
    """A key names its series and nothing else, whatever the dimensions are called and in whichever order."""
    key = value_key(slug, window, dimensions)

    assert parsed_key(key) == (slug, window, dimensions)
    assert value_key(slug, window, dict(reversed(list(dimensions.items())))) == key


def test_value() -> None:
    """A record tells the value with every digit, its unit, target and status."""
    judgement = Judgement(
        target=Decimal(50),
        warning=Decimal(40),
        tolerance=None,
        status=Status.AT_RISK,
        attainment=Decimal("0.84"),
    )
    text = encode_value(a_kpi(), a_reading(value=Decimal("42.000000000000000001")), judgement, revision=7)
    found = decode_value(text)

    assert b'"value":42.000000000000000001,' in text
    assert (found.kpi, found.unit, found.revision, found.n) == ("departures", "flights", 7, 42)
    assert found.status is Status.AT_RISK
    assert found.target is not None
    assert (found.target.value, found.target.warning, found.attainment) == (
        Decimal(50),
        Decimal(40),
        Decimal("0.84"),
    )
