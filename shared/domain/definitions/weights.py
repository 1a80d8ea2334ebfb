"""How much something counts among others, from which day on; it knows nothing of what counts."""

import itertools
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from shared.domain.definitions.fields import Number, broken
from shared.domain.definitions.parts import MODEL

_DAY = r"^\d{4}-\d{2}-\d{2}$"


def _day(text: str) -> str:
    try:
        if re.fullmatch(_DAY, text, re.ASCII):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise broken("a day is written 2026-01-31")


class DatedWeight(BaseModel):
    """A weight and the day with which it begins."""

    model_config = MODEL

    from_day: Annotated[str, AfterValidator(_day), Field(alias="from", json_schema_extra={"pattern": _DAY})]
    """The first day, such as 2026-01-01."""

    weight: Annotated[Number, Field(ge=0)]
    """How much it counts from that day on; 0 is not at all."""


def _in_order(weights: tuple[DatedWeight, ...]) -> tuple[DatedWeight, ...]:
    if any(one.from_day >= after.from_day for one, after in itertools.pairwise(weights)):
        raise broken("weights stand in the order of their days, each day once")
    return weights


DatedWeights = Annotated[tuple[DatedWeight, ...], Field(max_length=100), AfterValidator(_in_order)]


def weight_on(day: date, weight: Decimal, dated: Sequence[DatedWeight]) -> Fraction:
    """What counts on *day*: the last of *dated* that has begun, 0 before the first; without any, *weight*."""
    if not dated:
        return Fraction(weight)
    begun = [each.weight for each in dated if each.from_day <= day.isoformat()]
    return Fraction(begun[-1]) if begun else Fraction(0)
