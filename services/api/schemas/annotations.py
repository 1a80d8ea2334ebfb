"""Annotations as the API takes and tells them, for bytes and for OpenAPI; it knows no store and no right."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    with_config,
)
from pydantic_core import PydanticCustomError

from services.api.http.parameters import InvalidParameterError, instant
from shared.domain.annotations import (
    MAX_KPIS,
    MAX_TEXT,
    Annotation,
    AnnotationKind,
    Remark,
    Subject,
    is_plain,
)
from shared.domain.definitions.fields import Url

MAX_NUMBER = 2**63 - 1
"""The largest number that an annotation can have."""


def _plain(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("plain_text", "must be plain text: letters, signs, line ends and tabs")
    return text


def _instant(found: Any) -> datetime:
    if isinstance(found, str):
        try:
            return instant("", found)
        except InvalidParameterError as error:
            raise PydanticCustomError("instant", "{reason}", {"reason": error.reason}) from error
    raise PydanticCustomError("instant", "write an RFC 3339 time with its offset, in quotes")


PlainText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    AfterValidator(_plain),
]

Instant = Annotated[
    datetime, PlainValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]

_Name = Annotated[str, Field(max_length=200)]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class KpiRemarkBody:
    """What is said about one KPI, or in answer to what was said."""

    text: Annotated[PlainText, Field(description="Plain text; nobody may read it as markup")]
    kind: Annotated[
        AnnotationKind | None, Field(description="note when left out; of an answer always comment")
    ] = None
    start_at: Annotated[
        Instant | None, Field(description="When it was or began, RFC 3339 with its offset; now when left out")
    ] = None
    end_at: Annotated[
        Instant | None, Field(description="When it was over, after start_at; left out of a moment")
    ] = None
    window: Annotated[_Name | None, Field(description="Only about this window; any window when left out")] = (
        None
    )
    dimensions: Annotated[
        Mapping[_Name, _Name | None] | None,
        Field(
            max_length=10, description="Only about this series, {} being the total; any series when left out"
        ),
    ] = None
    link: Annotated[Url | None, Field(description="Where there is more: http or https")] = None
    reply_to: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_NUMBER,
            description="The annotation that this answers, one that begins a thread; the answer shares what "
            "that is about, so that only text and link are said",
        ),
    ] = None


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class RemarkBody(KpiRemarkBody):
    """What is said about some KPIs, about all, or in answer to what was said."""

    kpis: Annotated[
        list[_Name] | None,
        Field(min_length=1, max_length=MAX_KPIS, description="Slugs; about every KPI when left out"),
    ] = None


@dataclass(frozen=True, slots=True)
class AnnotationBody:
    """Something that was said about KPIs at a time."""

    annotation_id: Annotated[int, Field(description="Its number, which never changes")]
    version: Annotated[int, Field(description="Moves with every edit")]
    kind: AnnotationKind
    text: Annotated[str, Field(description="Plain text; show it as such, never as markup")]
    link: str | None
    kpis: Annotated[list[str] | None, Field(description="The slugs that it is about; null: about every KPI")]
    window: Annotated[str | None, Field(description="null: any window")]
    dimensions: Annotated[
        Mapping[str, str | None] | None, Field(description="{} is the total; null: any series")
    ]
    start_at: datetime
    end_at: Annotated[datetime | None, Field(description="It is over before this; null: it was a moment")]
    reply_to: Annotated[int | None, Field(description="What it answers; null: it begins a thread")]
    replies: Annotated[int, Field(description="How many answers there are")]
    author: Annotated[str, Field(description="The key or user that wrote it")]
    created_at: datetime
    edited_at: Annotated[datetime | None, Field(description="null: never")]


@dataclass(frozen=True, slots=True)
class AnnotationsBody:
    """A page of annotations."""

    items: list[AnnotationBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def annotation_body(annotation: Annotation, visible: Container[str]) -> AnnotationBody:
    """*annotation*, of whose KPIs only the *visible* ones are named."""
    subject, remark = annotation.subject, annotation.remark
    kpis = subject.kpis
    return AnnotationBody(
        annotation_id=annotation.annotation_id,
        version=annotation.version,
        kind=remark.kind,
        text=remark.text,
        link=remark.link,
        kpis=None if kpis is None else [slug for slug in kpis if slug in visible],
        window=subject.window,
        dimensions=subject.dimensions,
        start_at=subject.start_at.astimezone(UTC),
        end_at=None if subject.end_at is None else subject.end_at.astimezone(UTC),
        reply_to=annotation.reply_to,
        replies=annotation.replies,
        author=annotation.author,
        created_at=annotation.created_at.astimezone(UTC),
        edited_at=None if annotation.edited_at is None else annotation.edited_at.astimezone(UTC),
    )


def remark_of(body: KpiRemarkBody, *, is_answer: bool) -> Remark:
    """What *body* says; a note, or a comment of an answer, unless it says otherwise."""
    usual = AnnotationKind.COMMENT if is_answer else AnnotationKind.NOTE
    return Remark(body.kind or usual, body.text, body.link)


def subject_of(body: KpiRemarkBody, kpis: Sequence[str] | None, *, now: datetime) -> Subject:
    """What *body* is about: *kpis*, from *now* on unless it says when."""
    return Subject(
        kpis=None if kpis is None else tuple(sorted(set(kpis))),
        window=body.window,
        dimensions=body.dimensions,
        start_at=body.start_at or now,
        end_at=body.end_at,
    )
