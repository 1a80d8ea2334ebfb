"""Drafts of KPIs: what is drafted from what, and that every draft lints."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.observations.suggestions import TO_FILL_IN, suggested, suggestions_text
from shared.domain.observations.types import Observed, sampled

ORDERS: list[dict[str, Any]] = [
    {
        "orderId": f"o-{n}",
        "price_eur": Decimal(n) / 4,
        "delay_ms": n,
        "status": ["open", "paid", "void"][n % 3],
        "gift": n % 5 == 0,
        "region": ["north", "south"][n % 2],
        "customer": {"id": f"c-{n % 7}", "email": f"p{n}@example.org"},
        "lines": [{"sku": "a", "amount": 1}],
    }
    for n in range(60)
]


def looked(documents: list[dict[str, Any]]) -> Observed:
    """What all of *documents* come to."""
    return sampled(documents, declared=(), most_values=10**9)


def test_drafts() -> None:
    """Amounts are added up, durations averaged, identities told apart, states and flags told as shares."""
    drafts = {each.kpi.slug: each.kpi for each in suggested("order.placed", looked(ORDERS))}
    price, delay = drafts["order_placed_price_eur_sum"], drafts["order_placed_delay_ms_p95"]

    assert drafts["order_placed_events"].breakdowns == (("gift",), ("region",), ("status",))
    assert (price.value, price.aggregate, price.scale, price.unit) == ("data.price_eur", "sum", 2, "EUR")
    assert (str(delay.percentile), delay.unit) == ("95", "ms")
    assert drafts["order_placed_customer_id_distinct"].value == "data.customer.id"
    assert drafts["order_placed_status_paid_n"].where == "data.status == 'paid'"
    assert (
        drafts["order_placed_gift_yes_pct"].formula == "100 * order_placed_gift_yes_n / order_placed_events"
    )
    assert not any("email" in slug or "lines" in slug for slug in drafts)


def test_what_people_have_to_say() -> None:
    """Owner and category are left to people, in words that lint takes and a search finds."""
    alone = suggested("order.placed", looked(ORDERS))[0].kpi
    declared = suggested("order.placed", looked(ORDERS), owner="shop")[0].kpi

    assert (alone.owner, alone.category) == (TO_FILL_IN, TO_FILL_IN)
    assert declared.owner == "shop"


NAMES = st.sampled_from(
    [
        "amount",
        "price_eur",
        "status",
        "id",
        "class",
        "delay-ms",
        "data",
        "x" * 64,
        "paid",
        "None",
        "_",
        "email",
    ]
)
SCALARS = (
    st.integers(-(10**30), 10**30)
    | st.decimals(-(10**6), 10**6, places=12)
    | st.booleans()
    | st.none()
    | st.sampled_from(["open", "paid", "it's", "a\\b", "", "x" * 30, "in progress", "é"])
)
VALUES = st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


@given(
    st.text(min_size=1, max_size=256) | st.sampled_from(["order.placed", "None", "1", "é", "a" * 256]),
    st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=8),
)
def test_every_draft_lints(event_type: str, documents: list[dict[str, Any]]) -> None:
    """Whatever was seen, the file that is drafted is one that lints, and reads back as the drafts."""
    drafts = suggested(event_type, looked(documents * 4))
    if drafts:
        text = suggestions_text(drafts, sampled=len(documents))

        assert kpis_of(text) == tuple(each.kpi for each in drafts)
    else:
        # Only a type that no definition can name has no draft at all.
        assert any(character in event_type for character in event_type if not character.isprintable())
