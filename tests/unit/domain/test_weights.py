"""Weights that change by date, and what definitions may say of them."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from shared.domain.definitions import DefinitionError
from shared.domain.definitions.kpi_files import definitions_of
from shared.domain.definitions.kpi_texts import definition_text
from shared.domain.definitions.weights import DatedWeight, weight_on

KPI = """apiVersion: tidemark/v1
kind: KPI
slug: orders
title: Orders
category: operational
owner: sales
event_type: order.paid
aggregate: count
windows: [1h]
"""
OBJECTIVE = """apiVersion: tidemark/v1
kind: Objective
slug: grow
title: Grow
owner: sales
"""


def _dated(*pairs: tuple[str, str]) -> list[DatedWeight]:
    return [DatedWeight.model_validate({"from": day, "weight": weight}) for day, weight in pairs]


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-01-31", 0), ("2026-02-01", 2), ("2026-02-28", 2), ("2026-03-01", Fraction(1, 2))],
)
def test_of_a_day(day: str, expected: Fraction) -> None:
    """The last weight that has begun holds, its first day included; before the first nothing counts."""
    dated = _dated(("2026-02-01", "2"), ("2026-03-01", "0.5"))

    assert weight_on(date.fromisoformat(day), Decimal(7), dated) == expected


def test_without_dates() -> None:
    """Without dates the weight is the same on every day."""
    assert weight_on(date(2026, 1, 1), Decimal("0.3"), ()) == Fraction(3, 10)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("weights: [{from: 2026-02-30, weight: 1}]", "a day is written 2026-01-31"),
        ("weights: [{from: 2026-2-3, weight: 1}]", "a day is written 2026-01-31"),
        ("weights: [{from: 2026-02-03, weight: -1}]", "weight must be at least 0"),
        (
            "weights: [{from: 2026-02-03, weight: 1}, {from: 2026-02-03, weight: 2}]",
            "weights stand in the order of their days, each day once",
        ),
        ("kpi_weights: {orders: -1}", "orders must be at least 0"),
        ("kpi_weights: {order: 1}", "there is no KPI 'order'; did you mean 'orders'?"),
        ("roll_up: best", "roll_up must be 'mean' or 'worst'"),
    ],
)
def test_refused(more: str, reason: str) -> None:
    """What cannot hold is refused with its reason."""
    with pytest.raises(DefinitionError) as caught:
        definitions_of(f"{KPI}---\n{OBJECTIVE}{more}\n")

    assert [problem.message for problem in caught.value.problems] == [reason]


@pytest.mark.parametrize(
    "more",
    [
        "weights: [{from: 2026-02-01, weight: 2}, {from: 2026-03-01, weight: 0}]",
        "kpi_weights: {orders: 0.25}",
        "roll_up: worst",
    ],
)
def test_written_and_read(more: str) -> None:
    """What is written as a file reads back as the same."""
    objective: Any = definitions_of(f"{KPI}---\n{OBJECTIVE}{more}\n")[1]
    again = definitions_of(f"{KPI}---\n{definition_text(objective)}")[1]

    assert again == objective
