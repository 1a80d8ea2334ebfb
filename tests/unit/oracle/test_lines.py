"""The oracle as a command: the lines that the demo reads."""

from datetime import UTC, datetime

from tests.oracle import Oracle, Record
from tests.oracle.__main__ import lines

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
VISITS = """
slug: visits
event_type: visit
breakdowns: [[room]]
windows: [1h, 1m]
"""


def a_visit(number: int, room: str, minute: int) -> Record:
    time = f"2026-03-10T11:{minute:02}:00Z"
    return Record(
        f'{{"specversion":"1.0","id":"{number}","source":"/door","type":"visit","time":"{time}",'
        f'"data":{{"room":"{room}"}}}}'.encode()
    )


def test_a_line_for_every_value() -> None:
    """Every window has its total and each series of the longest window, with a value even where it is 0."""
    oracle = Oracle(VISITS, [a_visit(1, "red", 20), a_visit(2, "blue", 59)], ingested_at=NOON)
    found = [(line["window"], line["dimensions"], line["value"], line["n"]) for line in lines(oracle, NOON)]

    assert found == [
        ("1h", {}, "2", 2),
        ("1h", {"room": "blue"}, "1", 1),
        ("1h", {"room": "red"}, "1", 1),
        ("1m", {}, "1", 1),
        ("1m", {"room": "blue"}, "1", 1),
        ("1m", {"room": "red"}, "0", 0),
    ]
