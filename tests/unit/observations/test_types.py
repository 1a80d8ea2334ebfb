"""What is observed of event types adds up, within its bounds."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.observations import encode_observation, read_observation
from shared.domain.observations.fields import MAX_EXAMPLES, ObservedField
from shared.domain.observations.types import (
    MAX_FIELDS,
    MAX_VIOLATIONS,
    Observed,
    Violation,
    sampled,
    values_of,
)

MANY = 10**9

NUMBERS = st.integers(-(10**15), 10**15) | st.decimals(-(10**6), 10**6, places=3)
SCALARS = NUMBERS | st.none() | st.booleans() | st.sampled_from(["AA", "UA", "DL", "open", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "with-dash", "jane@example.org"]), inner, max_size=3)
    ),
    max_leaves=6,
)
DOCUMENTS = st.lists(
    st.dictionaries(st.sampled_from(["amount", "carrier", "tags", "email"]), VALUES, max_size=4), max_size=8
)


def looked(documents: list[dict[str, Any]]) -> Observed:
    """What all of *documents* come to."""
    return sampled(documents, declared=(), most_values=MANY)


def numbers(observed: Observed) -> dict[str, Any]:
    """Everything that does not depend on an order."""
    return {
        path: (each.present, dict(each.types), each.low, each.high, each.is_personal, each.distinct)
        for path, each in observed.fields.items()
    }


@given(DOCUMENTS, DOCUMENTS)
def test_merged_is_as_seen_together(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Several processes that see parts come to what one that sees all of it comes to."""
    apart, together = looked(one).merged(looked(other)), looked([*one, *other])

    assert numbers(together) == numbers(apart)
    assert together.sampled == apart.sampled


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_order_does_not_matter(
    a: list[dict[str, Any]], b: list[dict[str, Any]], c: list[dict[str, Any]]
) -> None:
    """Summaries may be merged in any order and any groups."""
    one, two, three = looked(a), looked(b), looked(c)

    assert numbers(one.merged(two).merged(three)) == numbers(three.merged(one.merged(two)))


@given(DOCUMENTS)
def test_counted_by_brute_force(documents: list[dict[str, Any]]) -> None:
    """Presence, numbers and different values are those that a plain walk over every document finds."""
    met: defaultdict[str, list[Any]] = defaultdict(list)
    having: defaultdict[str, set[int]] = defaultdict(set)
    for place, document in enumerate(documents):
        for name, value in document.items():
            met[f"data.{name}"].append(value)
            having[f"data.{name}"].add(place)
    found = looked(documents)

    for path, values in met.items():
        field = found.fields[path]
        figures = [Decimal(v) for v in values if isinstance(v, int | Decimal) and not isinstance(v, bool)]
        texts = {f"{type(v) is bool} {type(v) is str} {v}" for v in values if isinstance(v, bool | str)}
        assert field.present == len(having[path])
        assert sum(field.types.values()) == len(values)
        if not field.is_personal:
            assert (field.low, field.high) == (min(figures, default=None), max(figures, default=None))
            assert field.distinct.count == len(texts) + len(set(figures))


@given(DOCUMENTS)
def test_nothing_personal_is_kept(documents: list[dict[str, Any]]) -> None:
    """Of a personal field there are no numbers, no hashes and no plain examples, here and on the wire."""
    found = looked([{"email": f"jane{place}@example.org", **each} for place, each in enumerate(documents)])
    wire = encode_observation("t", found, until_us=0)

    personal = [each for each in found.fields.values() if each.is_personal]
    assert all((each.low, each.high, each.distinct.n) == (None, None, 0) for each in personal)
    assert b"example.org" not in wire
    assert b"jane" not in wire


@given(DOCUMENTS)
def test_there_and_back(documents: list[dict[str, Any]]) -> None:
    """A summary is read as what was written, but for how often a value was met."""
    observed = looked(documents)
    record = read_observation(encode_observation("order.placed", observed, until_us=17))

    assert record is not None
    assert (record.type, record.until_us) == ("order.placed", 17)
    back = record.observed()
    assert {path: each.distinct.count for path, each in observed.fields.items()} == {
        path: each.distinct.count for path, each in back.fields.items()
    }
    assert {p: (e.types, e.low, e.high, e.decimals, e.is_personal) for p, e in observed.fields.items()} == {
        p: (e.types, e.low, e.high, e.decimals, e.is_personal) for p, e in back.fields.items()
    }


def test_names_that_are_values() -> None:
    """A member whose name is no plain word is shown as *, for it may be the name of somebody."""
    data = {"by_customer": {"jane@example.org": {"n": 1}, "17": {"n": 2}}}

    assert {"data.by_customer", "data.by_customer.*", "data.by_customer.*.n"} == {
        path for path, _ in values_of(data)
    }


def test_elements() -> None:
    """Of an array the first elements are looked at, under one path."""
    data = {"lines": [{"sku": n} for n in range(10)]}

    assert sorted(value for path, value in values_of(data) if path == "data.lines[].sku") == [0, 1, 2]


def test_bounds() -> None:
    """Fields, examples and violations have bounds, and what has more says so."""
    wide = looked([{f"field_{n:03}": n for n in range(MAX_FIELDS + 1)}])
    others = looked([{f"other_{n:03}": n for n in range(5)}])
    broken = Observed()
    for n in range(MAX_VIOLATIONS + 5):
        broken = broken.merged(Observed(flagged=1, violations={Violation(f"data.f{n}", "type"): 1}))

    assert (len(wide.fields), wide.has_more_fields) == (MAX_FIELDS, True)
    assert (len(wide.merged(others).fields), others.merged(others).has_more_fields) == (MAX_FIELDS, False)
    assert others.merged(wide).has_more_fields
    assert len(looked([{"n": n} for n in range(50)]).fields["data.n"].examples) == MAX_EXAMPLES
    assert (len(broken.violations), broken.flagged) == (MAX_VIOLATIONS, MAX_VIOLATIONS + 5)


def test_bounded_work() -> None:
    """Looking stops soon after so many values, but never before the first document is done."""
    documents = [{f"f{n}": n for n in range(10)}] * 100

    assert sampled(documents, declared=(), most_values=35).sampled == 4
    assert sampled(documents, declared=(), most_values=0).sampled == 1


def test_declared_later() -> None:
    """A field that is declared personal after it was seen loses what was kept of it."""
    before = looked([{"ticket": "X1", "amount": 5}])
    after = before.scrubbed(["ticket"])

    assert after.fields["data.ticket"].examples == ("***",)
    assert after.fields["data.ticket"].distinct.count == 0
    assert after.fields["data.amount"] == before.fields["data.amount"]


def test_decimals() -> None:
    """The digits behind the point are those that a number needs, not those it is written with."""
    numbers_met = [Decimal("1.50"), Decimal("2.125"), 7, 0.1, Decimal("1E+3")]

    assert ObservedField.of(numbers_met, present=5, is_personal=False).decimals == 3
