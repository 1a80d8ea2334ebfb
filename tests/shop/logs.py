"""What the shop's applications send, made from a seed: good events in every form, copies, all mistakes."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from shared.messaging.producer import Outgoing

STRUCTURED: list[tuple[str, bytes | None]] = [
    ("content-type", b"application/cloudevents+json; charset=UTF-8")
]
_SOURCE = "/shop"
_SHOPS = ("Köln", "Łódź", "Paris", "Ko\u0308ln", "", None, 7, True, "x" * 129, ["Paris"])
_CHANNELS = ("web", "till", None)
_PRICES = ("0.10", "2.675", "1e2", "12345678901234.565", "-5.005", "250", "99999", "null", '"12"', "1E-2")
_TYPES = ("order.paid", "order.paid", "order.paid", "order.refunded", "stock.counted")


@dataclass(frozen=True, slots=True)
class ShopLog:
    """Records to be sent, in their order.

    Attributes:
        events: how many different good events are among them, retracted ones included.
        retracted: how many of these are retracted, each by one record more; before it, behind it or between.
        copies: how many records are copies of another one, of a retraction among them.
        reasons: why the bad ones are refused, and how many for each reason.
    """

    records: Sequence[Outgoing]
    events: int
    retracted: int
    copies: int
    reasons: Counter[str]


def shop_log(*, seed: int, events: int, now: datetime) -> ShopLog:
    """A log of *events* different good events, a tenth as many copies, and some of every kind of bad ones.

    One in a hundred is retracted, and one in ten of the retractions comes twice.
    """
    random = np.random.default_rng(seed)
    good = [_Event(random, seed, number, now) for number in range(events)]
    records = [event.record() for event in good]
    copied = random.integers(0, events, events // 10).tolist()
    records += [good[number].copy() for number in copied]
    retracted = random.choice(events, events // 100, replace=False).tolist()
    again = retracted[: len(retracted) // 10]
    records += [good[number].retraction(now) for number in (*retracted, *again)]
    wrong = [_wrong(number, now) for number in range(max(events // 1000, 1))]
    records += [record for part in wrong for record in part.values()]
    order = random.permutation(len(records)).tolist()
    reasons = Counter(reason.partition(" ")[0] for part in wrong for reason in part)
    copies = len(copied) + len(again)
    return ShopLog([records[place] for place in order], events, len(retracted), copies, reasons)


class _Event:
    """A good event: what it says, and the ways to say it."""

    def __init__(self, random: np.random.Generator, seed: int, number: int, now: datetime) -> None:
        self._random = random
        self._id = f"{seed}-{number}"
        self._type = self._one_of(_TYPES)
        self._time = now - timedelta(microseconds=self._age_us())
        self._data = self._members()
        self._key = self._one_of((None, b"till-1", self._id.encode()))

    def record(self) -> Outgoing:
        """In one of the forms that CloudEvents have, or without a time of its own."""
        form = int(self._random.integers(0, 10))
        if form == 0:
            # The time of the record stands for that of the event; it has no more than milliseconds.
            self._time = self._time.replace(microsecond=self._time.microsecond // 1000 * 1000)
            return self._structured(time=False)
        return self._binary() if form < 3 else self._structured()

    def copy(self) -> Outgoing:
        """Once more, in whichever form and partition."""
        self._key = self._one_of((None, b"till-2", b"till-3", b""))
        return self._binary() if self._random.integers(0, 2) else self._structured()

    def retraction(self, at: datetime) -> Outgoing:
        """The record that takes the event back, sent *at* another time and under an id of its own."""
        head = {"specversion": "1.0", "id": f"not {self._id}", "source": _SOURCE, "retracts": self._id}
        head |= {"type": "order.withdrawn", "time": at.isoformat()}
        return Outgoing(
            json.dumps(head | {"data": {}}).encode(), self._one_of((None, b"till-4")), headers=STRUCTURED
        )

    def _structured(self, *, time: bool = True) -> Outgoing:
        attributes = {"specversion": "1.0", "id": self._id, "source": _SOURCE, "type": self._type}
        attributes |= {"time": self._time_text()} if time else {}
        head = json.dumps(attributes, ensure_ascii=bool(self._random.integers(0, 2)))
        stamp = None if time else round(self._time.timestamp() * 1000)
        value = f'{head[:-1]}, "data": {self._data}}}'.encode()
        return Outgoing(value, self._key, headers=STRUCTURED, timestamp_ms=stamp)

    def _binary(self) -> Outgoing:
        attributes = {"specversion": "1.0", "id": self._id, "source": _SOURCE, "type": self._type}
        attributes["time"] = self._time_text()
        headers: list[tuple[str, bytes | None]] = [("content-type", b"application/json")]
        headers += [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
        return Outgoing(self._data.encode(), self._key, headers=headers)

    def _members(self) -> str:
        """The text of `data`: numbers as they are written, not as a float would print them."""
        cents = int(self._random.integers(0, 100_000))
        price = f"{cents // 100}.{cents % 100:02}" if self._random.integers(0, 3) else self._one_of(_PRICES)
        members = [f'"price": {price}'] if self._random.integers(0, 20) else []
        members += [f'"shop": {json.dumps(self._one_of(_SHOPS))}'] if self._random.integers(0, 9) else []
        members += [f'"channel": {json.dumps(self._one_of(_CHANNELS))}']
        return "{" + ", ".join(members) + "}"

    def _time_text(self) -> str:
        zone = timezone(timedelta(minutes=self._one_of((0, 330, -480, 60))))
        text = self._time.astimezone(zone).isoformat()
        return text.replace("+00:00", "Z") if self._random.integers(0, 2) else text

    def _age_us(self) -> int:
        """Half within the hour, a few to come, the rest later and later, up to the retention."""
        spans_s = (60, 3_600, 3_600, 3_600, 86_400, 86_400, 30 * 86_400, 399 * 86_400)
        age_s = float(self._random.random()) * self._one_of(spans_s)
        is_to_come = age_s < 3_600 and self._random.integers(0, 20) == 0
        return int((-age_s / 18 if is_to_come else age_s) * 1e6)

    def _one_of(self, choices: Sequence[Any]) -> Any:
        return choices[int(self._random.integers(0, len(choices)))]


def _wrong(number: int, now: datetime) -> dict[str, Outgoing]:
    """One record for each kind of mistake, by the reason for which it is refused and what tells it apart."""

    def an_event(**fields: Any) -> bytes:
        good: dict[str, Any] = {"specversion": "1.0", "id": f"bad-{number}", "source": _SOURCE}
        good |= {"type": "order.paid", "time": now.isoformat(), "data": {"price": 1, "shop": "Paris"}}
        return json.dumps({n: value for n, value in (good | fields).items() if value is not ...}).encode()

    def with_price(literal: bytes) -> bytes:
        return an_event().replace(b'"price": 1', b'"price": ' + literal)

    later, earlier = (now + timedelta(hours=2)).isoformat(), (now - timedelta(days=402)).isoformat()
    values = {
        "malformed_json": an_event()[:-2],
        "malformed_json words": b"hello",
        "empty_record": None,
        "not_an_object": b"[" + an_event() + b"]",
        "not_utf8": an_event().replace(b"Paris", b"\xff"),
        "event_too_large": an_event(note="x" * 70_000),
        "string_too_long": an_event(data={"note": "x" * 5_000}),
        "too_many_keys": an_event(data={str(key): key for key in range(201)}),
        "too_deep": with_price(b"[" * 20 + b"1" + b"]" * 20),
        "duplicate_key": with_price(b'1, "price": 2'),
        "number_not_finite": with_price(b"NaN"),
        "number_not_finite infinity": with_price(b"-Infinity"),
        "number_too_long": with_price(b"1" * 39),
        "number_out_of_range": with_price(b"1e31"),
        "lone_surrogate": an_event(data={"shop": "\ud800"}),
        "nul_character": an_event(data={"shop": "a\0b"}),
        "unsupported_specversion": an_event(specversion="0.3"),
        "data_not_an_object": an_event(data=[1]),
        "missing_attribute": an_event(id=...),
        "missing_attribute type": an_event(type=...),
        "invalid_attribute": an_event(id=""),
        "invalid_attribute control": an_event(source="/shop\n"),
        "invalid_attribute long": an_event(type="t" * 257),
        "invalid_time": an_event(time="2026-01-01T00:00:00"),
        "invalid_time words": an_event(time="yesterday"),
        "time_in_future": an_event(time=later),
        "time_too_old": an_event(time=earlier),
    }
    plain = {"unknown_format": Outgoing(b'{"price": 1}')}
    return plain | {reason: Outgoing(value, headers=STRUCTURED) for reason, value in values.items()}
