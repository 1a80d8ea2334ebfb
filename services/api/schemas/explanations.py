"""The body that tells why a value is what it is: its definition, panes and parts, and what it is held to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.explained_events import EventsFoundBody
from services.api.schemas.values import Attainment, Number, TargetBody, target_body
from services.api.security.redactions import shown_formula
from shared.domain.aggregates import Aggregate, Distinct, Ends, Numbers, Partial, Per, Quantiles, Squares
from shared.domain.calendars import as_datetime
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.explanations import (
    arithmetic_in_words,
    hours_in_words,
    judgement_in_words,
    rule_in_words,
    shown,
)
from shared.domain.expressions.spelling import number_text, spelled
from shared.domain.readings import Reading, measured_us
from shared.domain.targets import Judgement, Status
from shared.replay.explaining import Told
from shared.storage.pane_spans import PaneRun


@dataclass(frozen=True, slots=True)
class RulesBody:
    """The definition in force, as far as it makes the number."""

    title: str
    event_type: Annotated[str | None, Field(description="The type of the events; null: it is a formula")]
    where: Annotated[str | None, Field(description="Which of them count; null: all")]
    value: Annotated[str | None, Field(description="What is taken from each; null: nothing")]
    aggregate: Annotated[Aggregate | None, Field(description="How they become one number")]
    percentile: Number | None
    per: Per | None
    formula: Annotated[str | None, Field(description="What is worked out of other KPIs")]
    scale: Annotated[int, Field(description="Decimals kept of each value")]
    zone: Annotated[str, Field(description="Where its days begin")]
    business_hours: Annotated[str | None, Field(description="When events count; null: always")]
    rule: Annotated[str, Field(description="How the number is made, in words")]


@dataclass(frozen=True, slots=True)
class PartialBody:
    """What some events come to; what is null is not kept for this aggregate, or there is none."""

    n: Annotated[int, Field(description="How many events")]
    sum: Annotated[Number | None, Field(description="Of their values")]
    smallest: Number | None
    largest: Number | None
    sum_of_squares: Number | None
    first: Annotated[Number | None, Field(description="The value of the earliest event")]
    first_at: datetime | None
    last: Annotated[Number | None, Field(description="The value of the latest event")]
    last_at: datetime | None
    different: Annotated[int | None, Field(description="How many different values, or buckets of values")]


@dataclass(frozen=True, slots=True)
class PaneRunBody:
    """A contiguous run of panes of one length that was read, merged over the shards."""

    length: Annotated[str, Field(description="Of each pane: 1s, 10s, 1m, 15m, 1h, 1d")]
    start: datetime
    end: Annotated[datetime, Field(description="The instant that the last pane ends before")]
    panes: Annotated[int, Field(description="How many of them hold events")]
    rows: Annotated[int, Field(description="How many rows these are: one for each shard that wrote to it")]
    partial: PartialBody


@dataclass(frozen=True, slots=True)
class ExplanationReadBody:
    """A value that a formula reads."""

    part: Annotated[str, Field(description="How it is written in the formula, such as prev(orders)")]
    kpi: str
    version: int
    dimensions: Mapping[str, str | None]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    unit: str | None
    n: Annotated[int, Field(description="How many events went into it")]
    window_start: datetime
    window_end: datetime
    explain: Annotated[str, Field(description="Where this value is explained in turn")]


@dataclass(frozen=True, slots=True)
class ExplanationBody:
    """A value and the reasons for it."""

    kpi: Annotated[str, Field(description="Whose value it is")]
    version: Annotated[int, Field(description="The version of the definition that is followed")]
    window: str
    dimensions: Mapping[str, str | None]
    part: Annotated[str, Field(description="What is told of: the KPI, or what its formula reads of another")]
    at: Annotated[datetime, Field(description="The instant that was asked for")]
    known_at: Annotated[datetime | None, Field(description="As known then; null: all that is known")]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    unit: str | None
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: Annotated[datetime, Field(description="The first instant of the interval read")]
    window_end: Annotated[datetime, Field(description="The instant that the interval ends before")]
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    valid_until: Annotated[
        datetime | None, Field(description="When it may change although no event comes; null: never")
    ]
    target: Annotated[TargetBody | None, Field(description="null: none holds, or it is not known")]
    status: Annotated[Status, Field(description="How the value stands to the target")]
    attainment: Attainment
    status_rule: Annotated[str, Field(description="Why it has this status, in words")]
    definition: RulesBody
    arithmetic: Annotated[str, Field(description="The last step to the value, with its numbers")]
    total: Annotated[PartialBody | None, Field(description="What the events come to; null of a formula")]
    panes: Annotated[
        list[PaneRunBody],
        Field(description="Oldest first; none of a formula, and with known_at, where the log is counted"),
    ]
    parts: Annotated[list[ExplanationReadBody], Field(description="What the formula reads; none without one")]
    hidden_parts: Annotated[int, Field(description="How many more it reads that the caller may not see")]
    reconciles: Annotated[
        bool | None,
        Field(
            description="Whether the events found in the log come to exactly this value; null: a formula, or"
            " no events were asked for"
        ),
    ]
    events: Annotated[
        EventsFoundBody | None, Field(description="null: a formula, or no events were asked for")
    ]


_LENGTHS = ("1s", "10s", "1m", "15m", "1h", "1d")
"""How the rungs of the ladder are called."""


def rules_body(kpi: Kpi) -> RulesBody:
    """What of the definition of *kpi* makes its number."""
    return RulesBody(
        title=kpi.title,
        event_type=kpi.event_type,
        where=kpi.where,
        value=kpi.value,
        aggregate=kpi.aggregate,
        percentile=kpi.percentile,
        per=kpi.rule.per if kpi.aggregate is Aggregate.RATE else None,
        formula=kpi.formula,
        scale=kpi.scale,
        zone=kpi.zone,
        business_hours=None if kpi.hours is None else hours_in_words(kpi.hours, kpi.zone),
        rule=rule_in_words(kpi),
    )


def partial_body(partial: Partial, scale: int) -> PartialBody:
    """*partial* of values at *scale* decimals."""
    of_numbers = partial if isinstance(partial, Numbers) and partial.n else None
    summed = partial if isinstance(partial, Numbers | Squares) else None
    first, last = (partial.first, partial.last) if isinstance(partial, Ends) else (None, None)
    return PartialBody(
        n=partial.n,
        sum=None if summed is None else shown(summed.total, scale),
        smallest=None if of_numbers is None else shown(of_numbers.low, scale),
        largest=None if of_numbers is None else shown(of_numbers.high, scale),
        sum_of_squares=shown(partial.squares, 2 * scale) if isinstance(partial, Squares) else None,
        first=None if first is None else shown(first.value, scale),
        first_at=None if first is None else as_datetime(first.time_us),
        last=None if last is None else shown(last.value, scale),
        last_at=None if last is None else as_datetime(last.time_us),
        different=_different(partial),
    )


def _different(partial: Partial) -> int | None:
    match partial:
        case Distinct():
            return partial.count
        case Quantiles():
            return len(partial.buckets)
        case _:
            return None


def _run_body(run: PaneRun, scale: int) -> PaneRunBody:
    span = run.span
    return PaneRunBody(
        length=_LENGTHS[span.rung],
        start=as_datetime(span.start_us),
        end=as_datetime(span.end_us),
        panes=run.panes,
        rows=run.rows,
        partial=partial_body(run.partial, scale),
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an explanation only its caller decides.

    Attributes:
        target_origin: where the target comes from, in words.
        links: by the text of each part that the caller may see, where it is explained.
    """

    judgement: Judgement
    target_origin: str
    links: Mapping[str, str]
    events: EventsFoundBody | None


def explanation_body(told: Told, at: datetime, shown_to: Shown) -> ExplanationBody:
    """*told* at the instant *at*, as it may be shown."""
    inquiry, reading, kpis = told.scene.inquiry, told.reading, told.scene.catalogue.kpis
    kpi, judgement = kpis[reading.slug], shown_to.judgement
    partial = None if told.answer is None else told.answer[1].partial
    visible = [(one.text, each) for one, each in told.parts if one.text in shown_to.links]
    return ExplanationBody(
        kpi=reading.slug,
        version=reading.version,
        window=reading.window,
        dimensions=reading.dimensions,
        part=inquiry.operand.text,
        at=at.astimezone(UTC),
        known_at=inquiry.now.astimezone(UTC) if inquiry.is_past else None,
        value=reading.value,
        unit=kpi.unit,
        n=reading.n,
        window_start=reading.window_start.astimezone(UTC),
        window_end=reading.window_end.astimezone(UTC),
        as_of=reading.as_of.astimezone(UTC),
        complete=reading.complete,
        valid_until=None if reading.valid_until is None else reading.valid_until.astimezone(UTC),
        target=target_body(judgement),
        status=judgement.status,
        attainment=judgement.attainment,
        status_rule=judgement_in_words(
            judgement, reading.value, kpi.direction, origin=shown_to.target_origin
        ),
        definition=_rules(kpi, told.scene.catalogue),
        arithmetic=_arithmetic(told, kpi, is_whole=len(visible) == len(told.parts)),
        total=None if partial is None else partial_body(partial, kpi.scale),
        panes=[_run_body(run, kpi.scale) for run in told.scene.runs],
        parts=[_read_body(text, each, kpis, shown_to.links[text]) for text, each in visible],
        hidden_parts=len(told.parts) - len(visible),
        reconciles=told.reconciles,
        events=shown_to.events,
    )


def _rules(kpi: Kpi, catalogue: Catalogue) -> RulesBody:
    body = rules_body(kpi)
    return body if body.formula is None else replace(body, formula=shown_formula(body.formula, catalogue))


def _read_body(text: str, reading: Reading, kpis: Mapping[str, Kpi], link: str) -> ExplanationReadBody:
    return ExplanationReadBody(
        part=text,
        kpi=reading.slug,
        version=reading.version,
        dimensions=reading.dimensions,
        value=reading.value,
        unit=kpis[reading.slug].unit,
        n=reading.n,
        window_start=reading.window_start.astimezone(UTC),
        window_end=reading.window_end.astimezone(UTC),
        explain=link,
    )


def _arithmetic(told: Told, kpi: Kpi, *, is_whole: bool) -> str:
    """The last step; of a formula with parts that may not be seen only the formula and its value."""
    value = told.reading.value
    if told.answer is not None:
        planned, answer = told.answer
        length_us = measured_us(planned, kpi.zone, kpi.hours)
        return arithmetic_in_words(kpi, answer.partial, value, length_us=length_us)
    formula = kpi.parsed_formula
    if formula is None:
        raise AssertionError(f"{kpi.slug} is made neither of events nor of KPIs")
    if not is_whole:
        return f"{shown_formula(formula.canonical, told.scene.catalogue)} = {number_text(value)}"
    # Within a part that is meant a period earlier, the formula's own names mean that period, too.
    pairs = zip(formula.operands, told.parts, strict=True)
    values = {own.text: each.value for own, (_, each) in pairs}
    return f"{formula.canonical} = {spelled(formula, values)} = {number_text(value)}"
