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


class LogLostError(TidemarkError):
    """The log holds no longer what has to be read again; trying again does not bring it back.

    Attributes:
        partition: of the clean topic.
        first_offset: from which on it was to be read.
        until_offset: up to which, itself not included.
    """

    def __init__(self, partition: int, first_offset: int, until_offset: int) -> None:
        super().__init__(
            f"the log no longer holds offsets {first_offset} to {until_offset - 1} of partition {partition}:"
            " its retention has removed them, or the topic was made anew"
        )
        self.partition = partition
        self.first_offset = first_offset
        self.until_offset = until_offset


class ReplayTooLargeError(BadInputError):
    """The answer would take more records of the log than may be read for one; ask for a shorter stretch.

    Attributes:
        records: how many there are to be read.
        most: how many may be.
    """

    def __init__(self, records: int, most: int) -> None:
        super().__init__(
            f"the answer lies in {records:,} records of the log, and {most:,} may be read for one: ask for"
            " a shorter window or fewer instants"
        )
        self.records = records
        self.most = most


class EventsMovedError(BadInputError):
    """What is listed has changed since the first page: an event of it was retracted; begin again."""

    def __init__(self) -> None:
        super().__init__("what is listed has changed since its first page: begin again without the cursor")


class UnknownKpiError(BadInputError):
    """No KPI of that slug is in the catalogue."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no KPI {slug!r}")
        self.slug = slug


class UnknownDefinitionError(BadInputError):
    """Nothing of that kind and name is defined.

    Attributes:
        noun: what was asked for: KPI, objective, scorecard, event type.
        name: how it was called.
    """

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"there is no {noun} {name!r}")
        self.noun = noun
        self.name = name


class UnknownEventTypeError(BadInputError):
    """No event of that type was seen."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"no event of the type {event_type!r} was seen")
        self.event_type = event_type


class UnknownVersionError(BadInputError):
    """A definition never had that version."""

    def __init__(self, noun: str, name: str, version: int) -> None:
        super().__init__(f"the {noun} {name!r} has no version {version}")


class AlreadyDefinedError(BadInputError):
    """There is something of that kind and name already; change it instead."""

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"the {noun} {name!r} is there already")


class UnknownWindowError(BadInputError):
    """The KPI is not kept over that window."""

    def __init__(self, slug: str, window: str, known: tuple[str, ...]) -> None:
        super().__init__(f"KPI {slug!r} has no window {window!r}; it has {', '.join(known)}")
        self.slug = slug
        self.window = window
        self.known = known


class UnknownBreakdownError(BadInputError):
    """The KPI is not kept by that list of dimensions."""

    def __init__(self, slug: str, asked: tuple[str, ...], known: tuple[tuple[str, ...], ...]) -> None:
        offered = "; ".join(", ".join(names) for names in known if names) or "none"
        super().__init__(f"KPI {slug!r} is not kept by {', '.join(asked)}; its breakdowns are: {offered}")
        self.slug = slug
        self.asked = asked
        self.known = known
