"""How plain JSON becomes an event: where in a document its attributes are; it reads no file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.events import Reason, RefusedEventError


@dataclass(frozen=True, slots=True)
class Path:
    """A place in a document, as the names to follow."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Const:
    """A text that is the same for every document."""

    const: str


@dataclass(frozen=True, slots=True)
class JsonMapping:
    """Where the attributes of an event are found; `data` is the whole document.

    Attributes:
        time: None takes the time of the record.
        subject: None leaves it out, as does a document without the member; so for *retracts*.
    """

    id: Path
    source: Path | Const
    type: Path | Const
    time: Path | None = None
    subject: Path | Const | None = None
    retracts: Path | None = None

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that *document* holds, by name; what is missing or null is left out.

        Raises:
            RefusedEventError: an attribute is neither a text nor, but for the time, an integer.
        """
        places = {
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time,
            "subject": self.subject,
            "retracts": self.retracts,
        }
        found = {name: _text(name, place, document) for name, place in places.items() if place is not None}
        return {name: text for name, text in found.items() if text is not None}


def _text(name: str, place: Path | Const, document: Mapping[str, Any]) -> str | None:
    if isinstance(place, Const):
        return place.const
    value: Any = document
    for step in place.names:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and name != "time":
        return str(value)
    wanted = "an RFC 3339 text" if name == "time" else "a text or an integer"
    raise RefusedEventError(Reason.INVALID_ATTRIBUTE, f"{name} is taken from {place}, which is not {wanted}")
