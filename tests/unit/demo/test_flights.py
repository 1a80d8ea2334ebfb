"""The demo's data: lines of a table become events that end now."""

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.local.demo.flights import archive, events, flights

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,"
    "tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
LATE = "2013,1,1,533,529,4,850,830,20,UA,1714,N24211,LGA,IAH,227,1416,5,29,2013-01-01T10:00:00Z"
EARLY = "2013,1,1,517,515,-2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"
CANCELLED = "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z"
DIVERTED = "2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,NA,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z"


class Named(msgspec.Struct):
    """What tells an event apart."""

    id: str
    type: str


NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "flights.csv.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("flights.csv", f"{HEADER}\n{CANCELLED}\n{LATE}\n{DIVERTED}\n{EARLY}\n")
    return path


def decoded(path: Path, *, last: int | None = None) -> list[Mapping[str, Any]]:
    return [json.loads(value) for _, value in events(flights(path, last=last), ending_at=NOON)]


def test_order_and_times(table: Path) -> None:
    """Events come by scheduled departure, as far apart as they were, and the last is at the end."""
    assert [event["time"] for event in decoded(table)] == [
        "2026-03-10T00:45:00Z",  # 10:15 is 11 h 15 min before 21:30
        "2026-03-10T00:59:00Z",
        "2026-03-10T11:00:00Z",
        "2026-03-10T12:00:00Z",
    ]


def test_a_departure(table: Path) -> None:
    """A flight becomes a CloudEvent with its numbers as numbers."""
    assert decoded(table)[0] == {
        "specversion": "1.0",
        "id": "2013-01-01-UA1545-EWR-0515",
        "source": "/airports/new-york/departures",
        "type": "flight.departed",
        "time": "2026-03-10T00:45:00Z",
        "subject": "UA1545",
        "datacontenttype": "application/json",
        "data": {
            "carrier": "UA",
            "flight": 1545,
            "origin": "EWR",
            "dest": "IAH",
            "distance": 1400,
            "tailnum": "N14228",
            "dep_delay": -2,
            "arr_delay": 11,
            "air_time": 227,
        },
    }


def test_a_cancellation(table: Path) -> None:
    """A flight that never left is an event of its own type, without delays."""
    cancelled = decoded(table)[-1]

    assert (cancelled["type"], "dep_delay" in cancelled["data"]) == ("flight.cancelled", False)


def test_a_diversion(table: Path) -> None:
    """A flight that arrived elsewhere has departed and has no arrival delay; an unknown tail is left out."""
    diverted = decoded(table)[2]

    assert diverted["type"] == "flight.departed"
    assert diverted["data"].keys().isdisjoint({"arr_delay", "tailnum", "air_time"})


def test_the_last_ones(table: Path) -> None:
    """A quick trial has the end of the year, where the alert is."""
    assert [event["subject"] for event in decoded(table, last=2)] == ["MQ4525", "EV4308"]


def test_the_whole_year() -> None:
    """The package holds 336,776 flights of which 8,255 were cancelled, and every one has an id of its own."""
    decode = msgspec.json.Decoder(Named).decode
    found = [decode(value) for _, value in events(flights(archive()), ending_at=NOON)]

    assert len(found) == len({event.id for event in found}) == 336_776
    assert sum(event.type == "flight.cancelled" for event in found) == 8_255
