"""The buckets of everybody who has asked this process lately."""

from collections.abc import Callable

from shared.domain.access.rates import Bucket, Rate, full, taken
from shared.runtime.clock import monotonic_s

_FORGET_AT = 10_000
"""From so many callers on, those who have rested are forgotten: short-lived keys may be many."""


class Rates:
    """Counts what each caller sends to this process; another instance counts for itself."""

    def __init__(self, rate: Rate, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._rate = rate
        self._now_s = now_s
        self._buckets: dict[str, Bucket] = {}

    def take(self, name: str) -> None:
        """Count a request of the caller *name*.

        Raises:
            TooManyRequestsError: it has had its share.
        """
        now_s = self._now_s()
        bucket = self._buckets.get(name) or full(self._rate, now_s=now_s)
        self._buckets[name] = taken(bucket, self._rate, now_s=now_s)
        if len(self._buckets) > _FORGET_AT:
            self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        rested_s = now_s - self._rate.rest_s
        self._buckets = {name: each for name, each in self._buckets.items() if each.at_s > rested_s}
