"""What parts did to the change of a whole: laws over counts, sums, rates, means and quotients of formulas."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from shared.domain.aggregates import Aggregate, Numbers, Per, Rule, finalise
from shared.domain.contributions import (
    Compared,
    Contribution,
    Move,
    Share,
    Sums,
    amount_in,
    can_be_shared,
    contributions,
    left_of,
    share_of,
    sums_of,
)
from shared.domain.expressions import Operand
from shared.domain.quotients import Amount, Of, Shape, amounts_in, shape_of
from shared.domain.readings import Reading
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

HOUR_US = 3_600_000_000

PRICES = {"value": "data.price", "scale": 2}
KPIS = [
    a_kpi("orders"),
    a_kpi("revenue", aggregate="sum", **PRICES),
    a_kpi("visits", event_type="page.seen"),
    a_kpi("pace", aggregate="rate", per="h"),
    a_kpi("mean", aggregate="avg", **PRICES),
    a_kpi("balance", formula="revenue - 0.75 * orders + 3 * visits"),
    a_kpi("conversion", formula="100 * orders / visits"),
    a_kpi("idle", formula="1 - orders / visits"),
    a_kpi("net", formula="(revenue - orders) / visits - 2 * idle"),
]
CATALOGUE = a_catalogue(*KPIS)
RULES = {kpi.slug: kpi.rule for kpi in KPIS if not kpi.is_formula}

Events = tuple[int, int, int]
"""Orders, their prices in cents, and visits."""
Side = tuple[Sequence[Events], int]
"""What the series had, and how long the window was."""

numbers = st.integers(0, 4) | st.integers(0, 10**6)
events = st.tuples(numbers, st.integers(-(10**9), 10**9), numbers).map(
    lambda e: (e[0], e[1] if e[0] else 0, e[2])
)
lengths = st.integers(1, 3 * HOUR_US)


@st.composite
def sides(draw: st.DrawFn) -> tuple[Side, Side]:
    """The series of a KPI at two instants."""
    size = draw(st.integers(1, 6))
    rows = st.lists(events, min_size=size, max_size=size)
    return (draw(rows), draw(lengths)), (draw(rows), draw(lengths))


def partial(slug: str, one: Events) -> Numbers:
    """What the panes of a series would hold for a KPI."""
    orders, cents, visits = one
    if slug == "visits":
        return Numbers(visits)
    return (
        Numbers(orders, cents) if RULES[slug].aggregate in (Aggregate.SUM, Aggregate.AVG) else Numbers(orders)
    )


def sums(shape: Shape, one: Events, length_us: int) -> Sums:
    """What *shape* comes to for a series."""
    return sums_of(
        shape,
        {
            each: amount_in(
                partial(each.operand.slug, one), each.of, RULES[each.operand.slug], length_us=length_us
            )
            for each in amounts_in(shape)
        },
    )


def total(rows: Sequence[Events]) -> Events:
    """All series as one."""
    return tuple(map(sum, zip(*rows, strict=True)))  # type: ignore[return-value]


def value(slug: str, one: Events, length_us: int) -> Decimal | None:
    """What is shown of a series: by the rule or the formula of the KPI, rounded as these do."""
    formula = CATALOGUE.kpis[slug].parsed_formula
    if formula is None:
        return finalise(partial(slug, one), RULES[slug], at_us=0, length_us=length_us)
    return formula.evaluate({each.text: value(each.slug, one, length_us) for each in formula.operands})


def explained(slug: str, then: Side, now: Side) -> tuple[list[Share], list[Contribution], Decimal]:
    """The shares and contributions of all series, and the change of the whole as it is shown."""
    shape = shape_of(CATALOGUE, slug)
    values = value(slug, total(then[0]), then[1]), value(slug, total(now[0]), now[1])
    if None in values:
        reject()
    change = compared(*values).change
    whole = Move(sums(shape, total(then[0]), then[1]), sums(shape, total(now[0]), now[1]))
    moves = [
        Move(sums(shape, one, then[1]), sums(shape, other, now[1]))
        for one, other in zip(then[0], now[0], strict=True)
    ]
    assert change is not None
    assert can_be_shared(shape, whole)
    shares = sorted((share_of(shape, move, whole) for move in moves), key=lambda share: -abs(share.amount))
    return shares, contributions(shares, change, beside=[each for each in values if each is not None]), change


def compared(then: Decimal | None, now: Decimal | None) -> Compared:
    """A KPI with these values."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    readings = [
        Reading("a", 1, "5m", {}, each, 0, at, at, at, complete=True, valid_until=None)
        for each in (then, now)
    ]
    return Compared(*readings)


def added(numbers: Sequence[Decimal]) -> Fraction:
    """The exact sum."""
    return sum(map(Fraction, numbers), Fraction(0))


@pytest.mark.parametrize("slug", [kpi.slug for kpi in KPIS])
@given(both=sides())
def test_contributions_add_up(slug: str, both: tuple[Side, Side]) -> None:
    """Of every KPI that can be told by parts, what they did is the change shown, to the last digit."""
    _, found, change = explained(slug, *both)

    assert Fraction(change) == added([each.amount for each in found])


@pytest.mark.parametrize("slug", ["mean", "conversion", "idle", "net"])
@given(both=sides())
def test_mix_and_rate_add_up(slug: str, both: tuple[Side, Side]) -> None:
    """Of a quotient, a part's weight and its own value make up all that it did."""
    _, found, _ = explained(slug, *both)

    for each in found:
        assert each.mix is not None
        assert each.rate is not None
        assert Fraction(each.amount) == added([each.mix, each.rate])


@pytest.mark.parametrize("slug", ["orders", "revenue", "balance"])
@given(both=sides())
def test_what_adds_up(slug: str, both: tuple[Side, Side]) -> None:
    """Of counts, sums and what is linear in them, a part did what it changed by: there is no rest."""
    (then, then_us), (now, now_us) = both
    _, found, _ = explained(slug, *both)
    changes = [
        compared(value(slug, one, then_us), value(slug, other, now_us)).change
        for one, other in zip(then, now, strict=True)
    ]

    assert sorted(each.amount for each in found) == sorted(change for change in changes if change is not None)


@pytest.mark.parametrize("slug", [kpi.slug for kpi in KPIS])
@given(both=sides())
def test_rounding_is_small(slug: str, both: tuple[Side, Side]) -> None:
    """A contribution is what the part did, but for digits past those that are told, and the rest of all."""
    shares, found, _ = explained(slug, *both)
    largest = max(abs(share.amount) for share in shares)
    values = [abs(Fraction(v)) for rows, us in both if (v := value(slug, total(rows), us)) is not None]

    for share, each in zip(shares, found, strict=True):
        assert abs(Fraction(each.amount) - share.amount) <= max(largest, *values, Fraction(10**9)) / 10**30


@given(rows=st.lists(events, min_size=1, max_size=6), times=st.integers(1, 9))
def test_growing_alike(rows: list[Events], times: int) -> None:
    """Parts that all grow alike move the quotient of none: nothing contributes."""
    now = [(orders * times, cents * times, visits * times) for orders, cents, visits in rows]
    _, found, change = explained("mean", (rows, 1), (now, 1))

    assert Fraction(change) == 0
    assert {each.amount for each in found} <= {Decimal(0)}


@given(rows=st.lists(events, min_size=1, max_size=6), more=st.integers(2, 99))
def test_like_the_whole(rows: list[Events], more: int) -> None:
    """A part that comes to be larger and is like the whole did nothing, whatever the others did."""
    orders, cents, _ = total(rows)
    assume(orders)
    then, now = (orders, cents, 0), (orders * more, cents * more, 0)
    shape = shape_of(CATALOGUE, "mean")
    part = Move(sums(shape, then, 1), sums(shape, now, 1))
    whole = Move(sums(shape, total([*rows, then]), 1), sums(shape, total([*rows, now]), 1))

    assert share_of(shape, part, whole) == Share(Fraction(0), mix=Fraction(0))


def test_mix_and_rate() -> None:
    """Mean delays by carrier, worked out by hand.

    |       | then: n, mean | now: n, mean | weights   | rate: w * change   | mix: (r - R) * change of w    |
    | A     | 10, 20        | 30, 18       | 0.5, 0.75 | 0.625 * -2 = -1.25 | (19 - 16.25) * 0.25 = 0.6875  |
    | B     | 10, 10        | 10, 16       | 0.5, 0.25 | 0.375 * 6 = 2.25   | (13 - 16.25) * -0.25 = 0.8125 |
    | whole | 20, 15        | 40, 17.5     |           | 1                  | 1.5, R = 16.25                |
    """
    then, now = [(10, 20_000, 0), (10, 10_000, 0)], [(30, 54_000, 0), (10, 16_000, 0)]
    _, found, change = explained("mean", (then, 1), (now, 1))

    assert change == Decimal("2.5")
    assert found == [
        Contribution(Decimal("3.0625"), Decimal("0.8125"), Decimal("2.25")),
        Contribution(Decimal("-0.5625"), Decimal("0.6875"), Decimal("-1.25")),
    ]


def test_a_part_that_comes() -> None:
    """A part without a mean then has no rate to tell: by its weight alone it moves the whole.

    | A: 1 of 10 both times | B: nothing, then 1 of 16 | whole: 10, then 13; R = 11.5 |
    A: mix (10 - 11.5) * -0.5 = 0.75     B: 13 - 10 - 0.75 = 2.25
    """
    _, found, change = explained("mean", ([(1, 1000, 0), (0, 0, 0)], 1), ([(1, 1000, 0), (1, 1600, 0)], 1))

    assert change == Decimal(3)
    assert found == [
        Contribution(Decimal("2.25"), Decimal("2.25"), Decimal(0)),
        Contribution(Decimal("0.75"), Decimal("0.75"), Decimal(0)),
    ]


def test_the_rest_is_in_the_first() -> None:
    """What rounding leaves is put where it matters least: into the largest contribution.

    Thirds of one: 34 digits of each leave a unit in the last place.
    """
    thirds = [Share(Fraction(1, 3))] * 3
    found = contributions(thirds, Decimal(1), beside=[])

    assert [str(each.amount)[-2:] for each in found] == ["34", "33", "33"]
    assert added([each.amount for each in found]) == 1


def test_no_digit_of_a_difference_is_lost() -> None:
    """What is a difference of values is told with all their places, however large others are."""
    large, small = Decimal(10**30), Decimal("1E-9")
    shares = [Share(Fraction(number)) for number in (large, -large, small, -small)]
    found = contributions(shares, Decimal(0), beside=[large, small])

    assert [Fraction(each.amount) for each in found] == [share.amount for share in shares]


def test_no_quotient_no_shares() -> None:
    """A quotient of nothing has no change to share; a sum of nothing has."""
    nothing, something = Sums(Fraction(1)), Sums(Fraction(1), Fraction(2))

    assert not can_be_shared(shape_of(CATALOGUE, "mean"), Move(nothing, something))
    assert not can_be_shared(shape_of(CATALOGUE, "mean"), Move(something, nothing))
    assert can_be_shared(shape_of(CATALOGUE, "orders"), Move(nothing, nothing))


def test_left_of() -> None:
    """What is left of a whole are its events that no part has."""
    assert Numbers(3, 50) == left_of(Numbers(6, 90, 1, 60), [Numbers(1, 10), Numbers(), Numbers(2, 30)])


def test_amounts() -> None:
    """A mean adds up by its sum and its events, a rate per its unit of time; no events are nothing."""
    mean, pace = RULES["mean"], Rule(Aggregate.RATE, scale=1, per=Per.HOUR, has_value=True)

    assert Fraction(5, 2) == amount_in(Numbers(4, 250), Of.VALUES, mean, length_us=1)
    assert Fraction(4) == amount_in(Numbers(4, 250), Of.EVENTS, mean, length_us=1)
    assert Fraction(50) == amount_in(Numbers(4, 250), Of.VALUES, pace, length_us=HOUR_US // 2)
    assert Fraction(0) == amount_in(Numbers(0, 0), Of.VALUES, pace, length_us=0)
    assert Amount(Operand("mean")) in amounts_in(shape_of(CATALOGUE, "mean"))


def test_exact_changes() -> None:
    """A change has every digit that its values have between them, and there is none without both."""
    assert compared(Decimal("1E-30"), Decimal(10**20)).change == Decimal("9" * 20 + "." + "9" * 30)
    assert str(compared(Decimal("1.50"), Decimal("2.5")).change) == "1"
    assert compared(None, Decimal(1)).change is compared(Decimal(1), None).change is None
