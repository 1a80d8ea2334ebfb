"""What the application needs to know about who is let in, put together by the composition."""

from dataclasses import dataclass

from services.api.security.key_book import KeyBook
from services.api.security.rates import Rates
from shared.access.doors import Door


@dataclass(frozen=True, slots=True)
class Security:
    """Who is let in, and how often.

    Attributes:
        rates: None: everybody as often as they like.
        metrics_open: whether /metrics asks nobody who they are.
        cors_origins: pages of these origins may read answers in a browser; none: no page of another origin.
    """

    door: Door
    keys: KeyBook
    rates: Rates | None = None
    metrics_open: bool = False
    cors_origins: tuple[str, ...] = ()
