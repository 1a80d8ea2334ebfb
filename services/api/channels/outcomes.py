"""What a channel is and what can come of handing it a notice; it knows no channel in particular."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A notice as a channel needs it: who it is about and the bytes to hand over."""

    notice_id: str
    alert_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The receiver may or may not have it; try again.

    Attributes:
        detail: for the operator, safe to log.
        wait: how long the receiver has asked to be left alone.
    """

    detail: str
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver does not want it and will not later."""

    detail: str


Outcome = Delivered | Failed | Refused


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait after each failed attempt.

    Attributes:
        waits: after the first attempt, the second, and so on.
        gives_up: after the waits are used up the notice is abandoned; otherwise the last wait goes on.
    """

    waits: tuple[timedelta, ...]
    gives_up: bool

    def wait_after(self, attempts: int, *, spread: float) -> timedelta | None:
        """How long to wait after *attempts* failures; None is to give up.

        Args:
            attempts: how many there have been, at least one.
            spread: 0 to 1, chosen by lot, so that receivers are not met by everybody at once.
        """
        if self.gives_up and attempts > len(self.waits):
            return None
        wait = self.waits[min(attempts, len(self.waits)) - 1]
        return wait * (1 + JITTER * (2 * spread - 1))


JITTER = 0.2
"""Waits are up to a fifth shorter or longer."""


class Channel(Protocol):
    """A way to tell people or machines of an alert."""

    @property
    def name(self) -> str:
        """As it stands in the outbox and in metrics."""

    @property
    def retries(self) -> RetryPolicy:
        """How often and when to try again."""

    async def send(self, message: Message) -> Outcome:
        """Hand *message* over once; bounded in time; never retries, never raises for a receiver's fault."""
