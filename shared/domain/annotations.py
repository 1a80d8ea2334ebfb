"""What people say about KPIs at a time, from releases to comments; it knows no store and no rights."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.errors import BadInputError

MAX_TEXT = 4_000
"""Characters of one annotation: a paragraph or two, not a report, to which it can link."""

MAX_KPIS = 100
"""KPIs that one annotation may name; what concerns more concerns all."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that let a text be shown in another order than it is written, to deceive who reads it."""


class UnknownAnnotationError(BadInputError):
    """There is no such annotation, or none about a KPI that the caller may know of.

    Attributes:
        annotation_id: its number.
    """

    def __init__(self, annotation_id: int) -> None:
        super().__init__(f"there is no annotation {annotation_id}")
        self.annotation_id = annotation_id


class NotTheAuthorError(BadInputError):
    """Only who wrote an annotation may change it, and callers with the scope `admin`."""


class StaleAnnotationError(BadInputError):
    """Somebody else has changed the annotation in this moment; read it again, and decide anew."""


class AnnotationKind(StrEnum):
    """What an annotation tells of."""

    RELEASE = "release"
    CAMPAIGN = "campaign"
    INCIDENT = "incident"
    NOTE = "note"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an annotation is about.

    Attributes:
        kpis: the slugs, sorted; None is every KPI, those to come included.
        window: of these KPIs; None is any.
        dimensions: the series that is meant; None is any, and an empty one the total.
        start_at: when it was, or began.
        end_at: when it was over; None where it was a moment.
    """

    kpis: tuple[str, ...] | None
    window: str | None
    dimensions: Mapping[str, str | None] | None
    start_at: datetime
    end_at: datetime | None

    def concerns(self, slug: str) -> bool:
        """Whether it is about the KPI *slug*."""
        return self.kpis is None or slug in self.kpis


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody has written.

    Attributes:
        text: plain text, which nobody may read as markup.
        link: where there is more; http or https.
    """

    kind: AnnotationKind
    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark about a subject, or the answer to one.

    Attributes:
        version: moves with every edit, from 1 on.
        reply_to: the annotation that begins the thread, whose subject it shares; None where it begins one.
        author: the name under which it was written.
        replies: how many answers it has.
    """

    annotation_id: int
    version: int
    subject: Subject
    remark: Remark
    reply_to: int | None
    author: str
    created_at: datetime
    edited_at: datetime | None
    replies: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a series that annotations are counted in: [start_at, end_at)."""

    slug: str
    window: str
    dimensions: Mapping[str, str | None]
    start_at: datetime
    end_at: datetime


def is_plain(text: str) -> bool:
    """Whether *text* holds letters, signs, line ends and tabs alone, and nothing that steers a terminal."""
    return not any(
        character in _TURNING
        or (character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"))
        for character in text
    )
