"""The partial of the first and last events of a set, in an order that no two events share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class End:
    """An event at an end; of two at one instant, the smaller key comes first.

    Attributes:
        time_us: event time.
        key: the 16 bytes that identify the event.
        value: its scaled value; 0 where the measure only counts.
    """

    time_us: int
    key: bytes
    value: int


@dataclass(frozen=True, slots=True)
class Ends:
    """What a set of events comes to; the one without arguments is the identity of `merged`.

    Attributes:
        n: how many events; below 0 for events taken away, which have no ends.
        first: None of no events.
        last: None of no events.
    """

    n: int = 0
    first: End | None = None
    last: End | None = None

    def merged(self, other: "Ends") -> "Ends":
        """The partial of both sets together."""
        firsts = [end for end in (self.first, other.first) if end is not None]
        lasts = [end for end in (self.last, other.last) if end is not None]
        return Ends(self.n + other.n, min(firsts, default=None), max(lasts, default=None))

    def may_hang_on(self, removed: "Ends") -> bool:
        """Whether an end may be one of the *removed* events: the next to it is not known."""
        if self.first is None or self.last is None or removed.first is None or removed.last is None:
            return True
        return removed.first <= self.first or removed.last >= self.last
