"""The types of a definition's fields, each with its rule and the words for breaking it."""

import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared.domain.business_hours import DAYS
from shared.domain.expressions import ExpressionError, parse_filter, parse_formula, parse_scalar
from shared.domain.expressions.reserved import is_reserved
from shared.domain.windows import WINDOW_PATTERN, parse_window

MAX_DIMENSIONS = 10
"""Dimensions of one breakdown (limits by default)."""

CATEGORIES = ("financial", "operational", "customer", "marketing")
"""The categories that everybody knows; others are words of one's own."""

_SLUG = r"^[a-z][a-z0-9_]{0,62}$"
_RULE_NAME = r"^[a-z][a-z0-9_-]{0,62}$"
_WORD = _RULE_NAME
_URL = r'^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\"<>^`{|}]+([/?#][^\s\\"<>^`{|}]*)?$'
_DIMENSION = r"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,15}$"
_TIME_OF_DAY = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_DURATION = r"^(0|[1-9][0-9]{0,6})[smhd]$"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def broken(message: str, **context: Any) -> PydanticCustomError:
    """The error of a rule; its message is a sentence for the author of the file."""
    return PydanticCustomError("rule", "{message}", {"message": message, **context})


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise broken("must stand on one line, without control characters")
    return text


def _several_lines(text: str) -> str:
    if any(character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise broken("must not hold control characters")
    return text.strip()


def _slug(text: str) -> str:
    if re.fullmatch(_SLUG, text) is None:
        raise broken("a slug begins with a small letter, then has up to 62 small letters, digits and _")
    if is_reserved(text):
        raise broken(f"{text!r} is a word of expressions, so no formula could name this KPI")
    return text


def _rule_name(text: str) -> str:
    if re.fullmatch(_RULE_NAME, text) is None:
        raise broken("a name begins with a small letter, then has up to 62 small letters, digits, _ and -")
    return text


def _category(text: str) -> str:
    if re.fullmatch(_WORD, text) is None:
        raise broken(
            f"a category is {', '.join(CATEGORIES)} or a word of your own: a small letter, then up to 62 "
            "small letters, digits, _ and -"
        )
    return text


def _tags(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(words)) < len(words):
        raise broken("each tag is named once")
    return words


def _objectives(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise broken("each objective is named once")
    return names


def _alone(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _url(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text):
        raise broken("an address holds no control characters")
    if "@" in re.split(r"[/?#\\]", text.partition("://")[2], maxsplit=1)[0]:
        raise broken("an address holds no user and no password: everybody who sees the KPI sees it")
    if re.fullmatch(_URL, text) is None or not _has_host(text):
        raise broken("an address is written https://wiki.example.com/page, with http or https")
    return text


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _dimension(text: str) -> str:
    name = text.removeprefix("data.")
    if re.fullmatch(_DIMENSION, name) is None or len(name) > 128 or name.startswith("data."):
        raise broken("a dimension is a field of the event's data, written carrier or customer.country")
    return name


def _listed(value: Any) -> Any:
    """One name may be written without brackets."""
    return (value,) if isinstance(value, str) else value


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise broken("a breakdown names each dimension once")
    return names


def _window(text: str) -> str:
    try:
        return parse_window(text).name
    except ValueError as error:
        raise broken(str(error)) from error


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise broken(f"there is no time zone {text!r}; write an IANA name such as Europe/Berlin") from error
    return text


def _weekdays(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in DAYS]
    if unknown:
        raise broken(f"there is no day {unknown[0]!r}; the days are {', '.join(DAYS)}")
    if len(set(names)) < len(names):
        raise broken("each day is named once")
    return names


def _time_of_day(text: str) -> str:
    if re.fullmatch(_TIME_OF_DAY, text) is None:
        raise broken("a time of day is written 09:00, at most 24:00")
    return text


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or re.fullmatch(_DURATION, value) is None:
        raise broken("a duration is written 0s, 90s, 5m, 2h or 1d")
    return timedelta(**{_UNITS[value[-1]]: int(value[:-1])})


def _duration_text(value: timedelta) -> str:
    """The duration in the largest unit that fits: 90s, 5m, 2h, 1d."""
    seconds = int(value.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _at_most_30_days(value: timedelta) -> timedelta:
    if value > timedelta(days=30):
        raise broken("a condition is held for 30d at most")
    return value


def _exact(value: Any) -> Any:
    """A number of the file, never by way of binary fractions."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise broken("must be a number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError as error:
        raise broken("must be a number") from error
    if not number.is_finite() or len(number.as_tuple().digits) > 30 or abs(number.adjusted()) > 30:
        raise broken("must be a number of at most 30 digits")
    return number


def _expression(parse: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            parse(text)
        except ExpressionError as error:
            raise broken(error.message, line=error.line, column=error.column) from error
        return text

    return check


Slug = Annotated[str, AfterValidator(_slug), Field(json_schema_extra={"pattern": _SLUG})]
RuleName = Annotated[str, AfterValidator(_rule_name), Field(json_schema_extra={"pattern": _RULE_NAME})]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_one_line)
]
Paragraphs = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_several_lines)]
EventType = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_one_line)]
Departments = Annotated[
    tuple[Line, ...],
    Field(max_length=20),
    BeforeValidator(_listed, json_schema_input_type=str | Annotated[list[str], Field(max_length=20)]),
]
Objectives = Annotated[
    tuple[Line, ...],
    Field(max_length=20),
    AfterValidator(_objectives),
    BeforeValidator(_listed, json_schema_input_type=str | Annotated[list[str], Field(max_length=20)]),
    # One alone stays the text that it has always been stored as, so that no version moves.
    PlainSerializer(_alone, return_type=str | list[str], when_used="json"),
]
CategoryName = Annotated[
    str,
    AfterValidator(_category),
    WithJsonSchema({"anyOf": [{"enum": list(CATEGORIES)}, {"type": "string", "pattern": _WORD}]}),
]
Tags = Annotated[
    tuple[RuleName, ...],
    Field(max_length=20),
    AfterValidator(_tags),
    BeforeValidator(_listed, json_schema_input_type=str | Annotated[list[RuleName], Field(max_length=20)]),
]
Url = Annotated[
    str, StringConstraints(max_length=2000), AfterValidator(_url), Field(json_schema_extra={"pattern": _URL})
]
Dimension = Annotated[str, AfterValidator(_dimension)]
Breakdown = Annotated[
    tuple[Dimension, ...],
    Field(max_length=MAX_DIMENSIONS),
    AfterValidator(_distinct),
    BeforeValidator(
        _listed, json_schema_input_type=str | Annotated[list[str], Field(max_length=MAX_DIMENSIONS)]
    ),
]
WindowName = Annotated[str, AfterValidator(_window), Field(json_schema_extra={"pattern": WINDOW_PATTERN})]
Zone = Annotated[str, AfterValidator(_zone)]
Weekdays = Annotated[
    tuple[str, ...],
    Field(min_length=1, max_length=7, json_schema_extra={"items": {"enum": list(DAYS)}}),
    AfterValidator(_weekdays),
]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day), Field(json_schema_extra={"pattern": _TIME_OF_DAY})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_at_most_30_days),
    PlainSerializer(_duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]
Number = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["number", "string"]}),
]
Percent = Annotated[Number, Field(ge=0, le=100)]
FilterText = Annotated[str, AfterValidator(_expression(parse_filter))]
ValueText = Annotated[str, AfterValidator(_expression(parse_scalar))]
FormulaText = Annotated[str, AfterValidator(_expression(parse_formula))]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,62}$")]
LabelText = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_several_lines)]
