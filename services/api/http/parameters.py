"""Query parameters into values, or a sentence that names the parameter; blind to statuses and storage."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from starlette.datastructures import QueryParams

from services.api.http.selections import DimensionFilter, choices
from shared.domain.errors import BadInputError
from shared.domain.windows import INSTANTS_US

MAX_POINTS = 2000
"""How many points one history may have: a page of a chart, not an export."""

MAX_AHEAD = timedelta(minutes=5)
"""How far ahead of now an instant may lie: the skew that events are allowed, too."""

KEPT = timedelta(microseconds=INSTANTS_US)
"""How far back an instant may lie: panes are kept for the longest window there."""

_DEFAULT_POINTS = 240
"""What a history without a step aims at: as many points as a chart of ordinary width can show."""

NOT_OURS = "is not one that this listing gave out"
"""What is wrong with a cursor that cannot be read."""

_INSTANT = Annotated[datetime, msgspec.Meta(tz=True)]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_RELATIVE = re.compile(r"now(?:-([1-9]\d{0,6})([smhdw]))?")
_LENGTH = re.compile(r"([1-9]\d{0,6})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NICE_STEPS_S = (1, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800)

Shape = TypeVar("Shape")


class InvalidParameterError(BadInputError):
    """A query parameter cannot be used as it stands.

    Attributes:
        parameter: its name.
        reason: what is wrong with it and what would be right.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class InvalidFieldError(BadInputError):
    """A field of a body cannot be used as it stands.

    Attributes:
        pointer: the JSON pointer to it.
        reason: what is wrong with it and what would be right.
    """

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer}: {reason}")
        self.pointer = pointer
        self.reason = reason


def instant(parameter: str, text: str) -> datetime:
    """The UTC instant that *text*, an RFC 3339 time with its offset, stands for.

    Raises:
        InvalidParameterError: it is no such time.
    """
    if _RFC3339.fullmatch(text) is None:
        raise InvalidParameterError(parameter, _explain_instant(text))
    try:
        return msgspec.convert(text, type=_INSTANT).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidParameterError(parameter, _explain_instant(text)) from error


def _explain_instant(text: str) -> str:
    hint = "; a + has to be written %2B in a URL" if " " in text else ""
    return f"write an RFC 3339 time with its offset, such as 2026-01-31T09:30:00Z{hint}"


def instant_or_relative(parameter: str, text: str, *, now: datetime) -> datetime:
    """The UTC instant that *text* stands for: an RFC 3339 time, `now`, or `now-24h` (units s m h d w).

    Raises:
        InvalidParameterError: it is neither.
    """
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return instant(parameter, text)
    if match[1] is None:
        return now
    try:
        return now - timedelta(seconds=int(match[1]) * _UNIT_S[match[2]])
    except OverflowError as error:
        raise InvalidParameterError(parameter, "that long ago there was no calendar") from error


def readable(parameter: str, at: datetime, *, now: datetime) -> datetime:
    """*at*, if there may be values at it: not ahead of the allowed skew, not before what is kept.

    Raises:
        InvalidParameterError: it lies outside.
    """
    if at > now + MAX_AHEAD:
        raise InvalidParameterError(parameter, "lies in the future, where nothing has been counted")
    if at < now - KEPT:
        raise InvalidParameterError(parameter, f"lies more than {KEPT.days} days back, which is not kept")
    return at


def known(parameter: str, text: str, *, now: datetime) -> datetime:
    """The instant that *text* stands for, if something may have been known at it: not after *now*.

    Raises:
        InvalidParameterError: it is no instant, or lies outside.
    """
    at = instant(parameter, text)
    if at > now:
        raise InvalidParameterError(parameter, "lies in the future, of which nothing is known")
    return readable(parameter, at, now=now)


def step_of(text: str | None, *, span: timedelta, most: int = MAX_POINTS) -> timedelta:
    """How far apart the points of a history over *span* lie; without *text* a round length that suits it.

    Raises:
        InvalidParameterError: it is no length such as 5m, or makes more than *most* points, which are two
            at least.
    """
    if text is None:
        return _suitable_step(span, most=min(most - 1, _DEFAULT_POINTS))
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise InvalidParameterError("step", "write a length such as 30s, 5m or 1h")
    asked = timedelta(seconds=int(match[1]) * _UNIT_S[match[2]])
    if span // asked + 1 > most:
        raise InvalidParameterError("step", f"makes more than {most} points of this interval")
    return asked


def _suitable_step(span: timedelta, *, most: int) -> timedelta:
    least_s = span.total_seconds() / most
    fitting = (seconds for seconds in _NICE_STEPS_S if seconds >= least_s)
    return timedelta(seconds=next(fitting, _NICE_STEPS_S[-1] * math.ceil(least_s / _NICE_STEPS_S[-1])))


def instants(start: datetime, end: datetime, *, every: timedelta) -> list[datetime]:
    """*start* and what follows *every* so often, up to and including *end*."""
    return [start + every * number for number in range((end - start) // every + 1)]


def dimensions(query: QueryParams, *, reserved: Iterable[str]) -> dict[str, str | None]:
    """Every query parameter but the *reserved* ones, as dimensions; an empty value is a missing dimension.

    A dimension may be written with `data.` before it, and has to be if its name is reserved.

    Raises:
        InvalidParameterError: a dimension is given twice.
    """
    asked: dict[str, str | None] = {}
    for name, value in query.multi_items():
        if name in reserved:
            continue
        dimension = name.removeprefix("data.")
        if dimension in asked:
            raise InvalidParameterError(name, "is given twice; a series has one value per dimension")
        asked[dimension] = value or None
    return asked


def dimension_filter(query: QueryParams, *, reserved: Iterable[str]) -> DimensionFilter:
    """Every query parameter but the *reserved* ones, as a filter of series.

    A dimension given often may have any of the values; with `not.` before it, it may have none of them. An
    empty value is a missing dimension. `data.` is as in `dimensions`, and comes after `not.`.
    """
    wanted, unwanted = list[tuple[str, str | None]](), list[tuple[str, str | None]]()
    for name, value in query.multi_items():
        if name not in reserved:
            chosen = unwanted if name.startswith("not.") else wanted
            chosen.append((name.removeprefix("not.").removeprefix("data."), value or None))
    return DimensionFilter(choices(wanted), choices(unwanted))


def no_others(query: QueryParams, *, known: Sequence[str]) -> None:
    """Refuse parameters that mean nothing here: a misspelt filter must not answer with everything.

    Raises:
        InvalidParameterError: a parameter is not among *known*.
    """
    for name in query:
        if name not in known:
            raise InvalidParameterError(name, f"is unknown here; known are {', '.join(known)}")


def encoded_cursor(position: object) -> str:
    """The opaque cursor for *position*, the key of the last item of a page."""
    return msgspec.json.encode(position).hex()


def decoded_cursor(text: str, shape: type[Shape]) -> Shape:
    """The position that *text*, a cursor of an earlier page, stands for.

    Raises:
        InvalidParameterError: no page of this listing ended there.
    """
    try:
        return msgspec.json.decode(bytes.fromhex(text), type=shape)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidParameterError("cursor", NOT_OURS) from error


def series_key(dimensions_of: Mapping[str, str | None]) -> str:
    """The canonical text of a combination of dimensions, by which series are ordered and told apart."""
    return msgspec.json.encode(dict(sorted(dimensions_of.items()))).decode()
