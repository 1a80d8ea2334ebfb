"""How often somebody may ask: a bucket of tokens that fills at a steady rate; time is an argument.

One request takes one token. A full bucket is what may come at once, and the rate is what may come for ever
(the committed bucket of RFC 2697, section 3).
"""

import math
from dataclasses import dataclass

from shared.domain.access.errors import RefusedError


class TooManyRequestsError(RefusedError):
    """The caller asks more often than it may; come back after the time that is told.

    Attributes:
        wait_s: whole seconds until the next request passes.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, math.ceil(wait_s))
        super().__init__(f"more requests than this caller may send; the next one passes in {self.wait_s} s")


@dataclass(frozen=True, slots=True)
class Rate:
    """How often.

    Attributes:
        per_s: requests a second, for ever.
        burst: requests at once, after a rest.
    """

    per_s: float
    burst: int

    @property
    def rest_s(self) -> float:
        """After how many seconds without a request a bucket is full again, and need not be remembered."""
        return self.burst / self.per_s


@dataclass(frozen=True, slots=True)
class Bucket:
    """What somebody has left, as of a time.

    Attributes:
        tokens: from 0 to the burst.
        at_s: on a clock that never steps back.
    """

    tokens: float
    at_s: float


def full(rate: Rate, *, now_s: float) -> Bucket:
    """The bucket of somebody who has not asked for long."""
    return Bucket(float(rate.burst), now_s)


def taken(bucket: Bucket, rate: Rate, *, now_s: float) -> Bucket:
    """*bucket* after a request *now_s*.

    Raises:
        TooManyRequestsError: nothing is left; nothing is taken then.
    """
    tokens = min(float(rate.burst), bucket.tokens + (now_s - bucket.at_s) * rate.per_s)
    if tokens < 1:
        raise TooManyRequestsError((1 - tokens) / rate.per_s)
    return Bucket(tokens - 1, now_s)
