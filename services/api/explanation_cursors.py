"""Cursors of the events behind a value, which pin down what the first page saw; they read nothing."""

import base64
import binascii
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Annotated

import msgspec

from services.api.http.parameters import KEPT, MAX_AHEAD, NOT_OURS, InvalidParameterError, series_key
from shared.domain.calendars import as_datetime, instant_us
from shared.replay.candidates import Order
from shared.replay.explaining import Inquiry
from shared.replay.listing import Pinned

_Natural = Annotated[int, msgspec.Meta(ge=0, le=2**62)]

_PARTITIONS = 1024
"""More than a URL has room for."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on, and which list it is.

    Attributes:
        about: the fingerprint of what is listed.
        at_us: the instant asked about, in microseconds.
        now_us: as seen from when.
        offsets: up to where each partition is looked at, by number.
        n: how many events there are.
        checksum: of where they lie.
        last: the place of the last event told.
    """

    about: bytes
    at_us: _Natural
    now_us: _Natural
    offsets: Annotated[list[_Natural], msgspec.Meta(max_length=_PARTITIONS)]
    n: _Natural
    checksum: _Natural
    last: tuple[_Natural, _Natural, _Natural]

    @classmethod
    def of(cls, inquiry: Inquiry, about: bytes, pinned: Pinned, last: Order) -> "Mark":
        """The mark after the event at *last*."""
        count = max(pinned.offsets, default=-1) + 1
        return cls(
            about=about,
            at_us=instant_us(inquiry.ask.at),
            now_us=instant_us(inquiry.now),
            offsets=[pinned.offsets.get(partition, 0) for partition in range(count)],
            n=pinned.n,
            checksum=pinned.checksum,
            last=last,
        )

    @property
    def pinned(self) -> Pinned:
        """The events of the list."""
        return Pinned(dict(enumerate(self.offsets)), self.n, self.checksum)

    def continued(self, inquiry: Inquiry, *, is_at_given: bool) -> Inquiry:
        """*inquiry* at the instant of the first page, and seen from when that was asked for.

        Raises:
            InvalidParameterError: it is about another instant.
        """
        at = as_datetime(self.at_us)
        if is_at_given and inquiry.ask.at != at:
            raise InvalidParameterError("at", "is another instant than that of the cursor")
        return replace(inquiry, ask=replace(inquiry.ask, at=at), now=as_datetime(self.now_us))


def fingerprint(inquiry: Inquiry, version: int) -> bytes:
    """What tells lists of events apart; the instant stands in the cursor itself."""
    ask = inquiry.ask
    known = instant_us(inquiry.now) if inquiry.is_past else None
    text = msgspec.json.encode(
        (ask.slug, ask.window, series_key(dict(ask.dimensions)), inquiry.operand.text, version, known)
    )
    return blake2b(text, digest_size=8).digest()


def mark_text(mark: Mark) -> str:
    """The opaque cursor for *mark*: short, for a URL has room for 2 KiB."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(mark)).decode().rstrip("=")


def mark_of(text: str, *, now: datetime) -> Mark:
    """The mark that *text*, a cursor given out at *now* or before, stands for.

    Raises:
        InvalidParameterError: it is none of ours.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        mark = msgspec.msgpack.decode(raw, type=Mark)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidParameterError("cursor", NOT_OURS) from error
    earliest_us, now_us = instant_us(now - KEPT), instant_us(now)
    latest_us = instant_us(now + MAX_AHEAD)
    if not (earliest_us <= mark.now_us <= now_us and earliest_us <= mark.at_us <= latest_us):
        raise InvalidParameterError("cursor", "is too old, or " + NOT_OURS)
    return mark
