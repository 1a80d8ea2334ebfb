"""A shop that never was: sixty days of visits, orders, refunds and campaigns as CloudEvents that end now.

Everything follows from the instant it ends at. Days have their hours and weeks their days, trade grows, a
campaign brings visits while it lasts; some events come late, some twice, and some orders are taken back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

SOURCE = "/shop/storefront"

DAYS = 60
"""As much history as the example needs: a month, and the same month before it."""

_SEED = 7
_ZONE = ZoneInfo("Europe/Berlin")
_HOUR = timedelta(hours=1)

_BY_HOUR = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 12, 11, 11, 11, 12, 14, 17, 19, 18, 14, 9, 5)
_BY_WEEKDAY = (1.0, 0.95, 0.95, 1.0, 1.1, 1.25, 1.3)
_VISITS_AN_HOUR = 21.0
_GROWTH_A_DAY = 0.004

_LATE_SHARE = 0.02
_LATE_HOURS = 2.0
_TWICE_SHARE = 0.01
_VOID_SHARE = 0.015
_REFUND_SHARE = 0.06
_REFUND_DAYS = 6.0

_CENT = Decimal("0.01")

_COUNTRIES = ("DE", "AT", "CH", "NL")
_COUNTRY_SHARES = (0.62, 0.14, 0.13, 0.11)
_DEVICES = ("phone", "desktop", "tablet")
_DEVICE_SHARES = (0.58, 0.35, 0.07)
_CHANNELS = ("search", "direct", "mail", "social")
_CHANNEL_SHARES = (0.46, 0.29, 0.14, 0.11)
_CONVERSION = {"search": 0.055, "direct": 0.085, "mail": 0.075, "social": 0.025}
_REASONS = ("damaged", "does not fit", "late", "not as shown")

Data = dict[str, str | int | bool | Decimal]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is spent to bring visits.

    Attributes:
        first_day: the day it begins, counted from the first day of the story.
        lift: how many times the visits of its channel there are while it lasts.
        cost_an_hour: euros.
    """

    name: str
    channel: str
    first_day: int
    days: int
    lift: float
    cost_an_hour: float

    def runs(self, day: float) -> bool:
        """Whether it runs on that day."""
        return self.first_day <= day < self.first_day + self.days


CAMPAIGNS = (
    Campaign("autumn-sale", "mail", 8, 10, 2.4, 4.5),
    Campaign("new-arrivals", "social", 26, 14, 3.0, 6.0),
    Campaign("brand-search", "search", 40, 20, 1.3, 3.2),
)


class Happening(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A CloudEvent in structured mode."""

    specversion: str = msgspec.field(default_factory=lambda: "1.0")
    id: str
    source: str = msgspec.field(default_factory=lambda: SOURCE)
    type: str
    time: datetime
    subject: str
    datacontenttype: str = msgspec.field(default_factory=lambda: "application/json")
    retracts: str | None = None
    data: Data


@dataclass(slots=True)
class _Sent:
    """Something that happened, and when the log hears of it."""

    event: Happening
    heard: datetime


_encode = msgspec.json.Encoder(decimal_format="number").encode


def events(*, ending_at: datetime, days: int = DAYS) -> Iterator[tuple[bytes, bytes]]:
    """Key and CloudEvent of what happened in *days* up to *ending_at*, in the order it is heard of."""
    story = _Story(ending_at, days)
    for sent in sorted(story.told(), key=lambda sent: sent.heard):
        yield sent.event.subject.encode(), _encode(sent.event)


@dataclass(slots=True)
class _Story:
    """One run of the shop; asked once."""

    ending_at: datetime
    days: int
    _dice: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))
    _sent: list[_Sent] = field(default_factory=list)
    _visits: int = 0
    _orders: int = 0
    _customers: int = 0

    def told(self) -> Sequence[_Sent]:
        """Everything, hour by hour."""
        start = self.ending_at - timedelta(days=self.days)
        for hour in range(self.days * 24):
            begin = start + hour * _HOUR
            day = hour / 24 + DAYS - self.days
            self._spend(begin, day)
            self._trade(begin, day)
        self._hear_twice()
        return self._sent

    def _spend(self, begin: datetime, day: float) -> None:
        for campaign in CAMPAIGNS:
            if campaign.runs(day):
                amount = _euros(campaign.cost_an_hour * self._dice.uniform(0.8, 1.2))
                data: Data = {"campaign": campaign.name, "channel": campaign.channel, "amount": amount}
                at = begin + _HOUR / 2
                self._happen("campaign.spent", f"{campaign.name}-{at:%Y%m%dT%H}", at, campaign.name, data)

    def _trade(self, begin: datetime, day: float) -> None:
        local = begin.astimezone(_ZONE)
        usual = _VISITS_AN_HOUR * _BY_HOUR[local.hour] / 9 * _BY_WEEKDAY[local.weekday()]
        usual *= (1 + _GROWTH_A_DAY) ** day
        for channel, share in zip(_CHANNELS, _CHANNEL_SHARES, strict=True):
            running = [one for one in CAMPAIGNS if one.channel == channel and one.runs(day)]
            lift = running[0].lift if running else 1.0
            for _ in range(self._dice.poisson(usual * share * lift)):
                at = begin + _HOUR * self._dice.random()
                # Of the visits while a campaign runs those above the usual are its own.
                brought = bool(running) and self._dice.random() < 1 - 1 / lift
                self._visit(at, channel, running[0].name if brought else None)

    def _visit(self, at: datetime, channel: str, campaign: str | None) -> None:
        self._visits += 1
        data: Data = {
            "channel": channel,
            "country": self._one_of(_COUNTRIES, _COUNTRY_SHARES),
            "device": self._one_of(_DEVICES, _DEVICE_SHARES),
        }
        if campaign is not None:
            data["campaign"] = campaign
        self._happen("shop.visited", f"v{self._visits}", at, f"v{self._visits}", data)
        phone = 0.7 if data["device"] == "phone" else 1.3
        if self._dice.random() < _CONVERSION[channel] * phone:
            self._order(at + timedelta(minutes=self._dice.uniform(2, 25)), data)

    def _order(self, at: datetime, visit: Data) -> None:
        self._orders += 1
        is_new = self._customers == 0 or self._dice.random() < 0.45
        self._customers += is_new
        customer = self._customers if is_new else int(self._dice.integers(1, self._customers + 1))
        items = int(1 + self._dice.poisson(1.4))
        amount = _euros(items * self._dice.lognormal(3.3, 0.5))
        number = f"o{self._orders}"
        data: Data = {
            **visit,
            "order": number,
            "customer": f"c{customer}",
            "email": f"c{customer}@example.com",
            "new_customer": is_new,
            "items": items,
            "amount": amount,
        }
        self._happen("shop.order_placed", number, at, number, data)
        chance = self._dice.random()
        if chance < _VOID_SHARE:
            self._void(at + timedelta(minutes=self._dice.uniform(1, 240)), number)
        elif chance < _VOID_SHARE + _REFUND_SHARE:
            self._refund(at + timedelta(days=self._dice.exponential(_REFUND_DAYS)), number, amount, data)

    def _void(self, at: datetime, order: str) -> None:
        self._happen("shop.order_voided", f"{order}-void", at, order, {}, retracts=order)

    def _refund(self, at: datetime, order: str, paid: Decimal, data: Data) -> None:
        amount = paid if self._dice.random() < 0.6 else _euros(float(paid) * self._dice.uniform(0.2, 0.7))
        told: Data = {name: data[name] for name in ("order", "channel", "country")}
        told |= {"amount": amount, "reason": str(self._dice.choice(_REASONS))}
        self._happen("shop.order_refunded", f"{order}-refund", at, order, told)

    def _happen(
        self,
        kind: str,
        identity: str,
        at: datetime,
        subject: str,
        data: Data,
        *,
        retracts: str | None = None,
    ) -> None:
        if at > self.ending_at:
            return
        late = timedelta(hours=self._dice.exponential(_LATE_HOURS)) * (self._dice.random() < _LATE_SHARE)
        event = Happening(id=identity, type=kind, time=at, subject=subject, retracts=retracts, data=data)
        self._sent.append(_Sent(event, min(at + late, self.ending_at)))

    def _hear_twice(self) -> None:
        for place in np.flatnonzero(self._dice.random(len(self._sent)) < _TWICE_SHARE):
            again = self._sent[place]
            later = again.heard + timedelta(minutes=float(self._dice.uniform(0, 90)))
            self._sent.append(_Sent(again.event, min(later, self.ending_at)))

    def _one_of(self, words: Sequence[str], shares: Sequence[float]) -> str:
        return str(self._dice.choice(words, p=shares))


def _euros(amount: float) -> Decimal:
    return Decimal(amount).quantize(_CENT)
