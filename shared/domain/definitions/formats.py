"""How values of a KPI are shown to people; the values themselves stay as they are."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StrictInt

from shared.domain.definitions.currencies import CURRENCIES
from shared.domain.definitions.fields import broken
from shared.domain.definitions.parts import MODEL

LENGTHS = ("ms", "s", "min", "h", "d")
"""The units of which a number is a length of time."""


class Style(StrEnum):
    """What sort of thing a value is."""

    NUMBER = "number"
    """A plain number, followed by its unit."""

    PERCENT = "percent"
    """A ratio, shown a hundred times as large and with %: 0.8 as 80 %."""

    CURRENCY = "currency"
    """An amount of money, in whole units of its currency."""

    DURATION = "duration"
    """A length of time, counted in the KPI's unit: ms, s, min, h or d."""


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise broken(f"{code!r} is no code of a currency in use (ISO 4217), such as EUR")
    return code


class Format(BaseModel):
    """How values are shown."""

    model_config = MODEL

    style: Style = Style.NUMBER
    """What sort of thing a value is: number, percent, currency or duration."""

    currency: Annotated[str, AfterValidator(_currency)] | None = None
    """Only with the style currency, and needed there: its code by ISO 4217, such as EUR."""

    decimals: Annotated[StrictInt, Field(ge=0, le=9)] | None = None
    """How many decimals are shown; without it, as many as the value has."""
