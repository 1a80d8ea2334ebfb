"""Everything that can go wrong, in three families: bad input, try again, stop; it knows no driver."""


class TidemarkError(Exception):
    """Something went wrong that Tidemark has a name for."""


class BadInputError(TidemarkError):
    """What was sent cannot be used; the message names the field and the reason."""


class TryAgainError(TidemarkError):
    """A door is closed for the moment; the same work may succeed later."""


class StopError(TidemarkError):
    """Going on could make numbers wrong; an operator has to look before the process starts again."""


class BrokerUnavailableError(TryAgainError):
    """Kafka did not answer in time; what was sent may or may not have arrived."""


class StoreUnavailableError(TryAgainError):
    """Postgres did not answer, or the outcome of a commit is unknown: read the position again."""


class FencedError(TryAgainError):
    """Another process has taken these partitions over; let go of them.

    Attributes:
        partitions: those whose position had moved.
    """

    def __init__(self, partitions: frozenset[int]) -> None:
        super().__init__(f"partitions {sorted(partitions)} have another owner")
        self.partitions = partitions


class ForeignLogError(StopError):
    """The topic is not the one the position was taken from: it was recreated or truncated."""
