"""What is worth a warning about a draft, now that the log has been read; it refuses nothing."""

from collections.abc import Iterator, Sequence

from shared.domain.aggregates import Kind
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.previews import (
    SERIES_OF_MEASURE,
    FieldSeen,
    MeasureCost,
    Notice,
    Tally,
    WarningCode,
    share,
    suggestion,
)
from shared.domain.readings import Reading
from shared.replay.preview_events import Study
from shared.replay.previews import Part, Preview


def notices(
    preview: Preview, catalogue: Catalogue, slug: str, *,
    costs: Sequence[MeasureCost], totals: Sequence[Reading],
) -> list[Notice]:  # fmt: skip
    """The warnings about the KPI *slug* of *catalogue*: those about the log first, then by what it counts."""
    kpi = catalogue.kpis[slug]
    found = [*_of_log(preview.look.part, slug), *_of_values(preview.look.part, slug, totals)]
    for leaf in sorted(catalogue.leaves(slug)):
        found += _of_events(preview.study, catalogue.kpis[leaf])
    found += [notice for cost in costs for notice in _of_cost(slug, cost)]
    if not kpi.target:
        message = "it has no target: nobody can tell whether a value is good"
        found.append(Notice(WarningCode.NO_TARGET, slug, "target", message))
    return found


def _of_log(part: Part, slug: str) -> Iterator[Notice]:
    begin = part.start.isoformat().replace("+00:00", "Z")
    if part.is_short:
        message = "the log no longer holds everything that was asked for: values lack what it has lost"
        yield Notice(WarningCode.LOG_TOO_SHORT, slug, None, message)
    if part.is_cut:
        message = f"only what happened from {begin} on was read: more records may not be, see limit_records"
        yield Notice(WarningCode.CUT_OFF, slug, None, message)


def _of_values(part: Part, slug: str, totals: Sequence[Reading]) -> Iterator[Notice]:
    short = [reading for reading in totals if reading.window_start < part.start]
    if short:
        message = (
            f"{len(short)} of {len(totals)} windows reach further back than what was read: their values"
            " are of what was"
        )
        yield Notice(WarningCode.WINDOW_NOT_COVERED, slug, "windows", message)
    if all(reading.value is None for reading in totals):
        yield Notice(WarningCode.NO_VALUE, slug, None, "it has no value at any of the instants")


def _of_events(study: Study, kpi: Kpi) -> Iterator[Notice]:
    tally, event_type = study.tally(kpi.slug), kpi.event_type or ""
    if not tally.events:
        close = suggestion(event_type, study.types)
        message = f"no event of type {event_type} was read{close}"
        yield Notice(WarningCode.NO_EVENTS, kpi.slug, "event_type", message)
        return
    if tally.filtered + tally.filter_failed == tally.events:
        message = f"the filter matches none of {tally.events:,} events"
        yield Notice(WarningCode.FILTER_MATCHES_NOTHING, kpi.slug, "where", message)
    yield from _left_out(tally, kpi)
    for each in study.fields(kpi.slug):
        yield from _of_field(each, tally, study, kpi)


def _left_out(tally: Tally, kpi: Kpi) -> Iterator[Notice]:
    matched = tally.events - tally.filtered - tally.filter_failed
    for count, whole, code, field, words in (
        (
            tally.filter_failed,
            tally.events,
            WarningCode.FILTER_FAILS,
            "where",
            "the filter has no answer for",
        ),
        (tally.value_missing, matched, WarningCode.VALUE_MISSING, "value", "the value is missing in"),
        (
            tally.value_not_a_number,
            matched,
            WarningCode.VALUE_NOT_A_NUMBER,
            "value",
            "the value is no number in",
        ),
    ):
        if count:
            message = f"{words} {count:,} of {whole:,} events ({share(count, whole)}), which do not count"
            yield Notice(code, kpi.slug, field, message)
    if tally.value_out_of_range:
        message = (
            f"the value has more digits than fit at scale {kpi.scale} in {tally.value_out_of_range:,} of"
            f" {matched:,} events: such an event would go to the dead letters, for all KPIs"
        )
        yield Notice(WarningCode.VALUE_OUT_OF_RANGE, kpi.slug, "scale", message)


def _of_field(seen: FieldSeen, tally: Tally, study: Study, kpi: Kpi) -> Iterator[Notice]:
    if not seen.found and seen.field.startswith("data"):
        close = suggestion(seen.field, study.names(kpi.event_type or ""))
        message = f"none of {tally.events:,} events of type {kpi.event_type} has {seen.field}{close}"
        yield Notice(WarningCode.UNKNOWN_FIELD, kpi.slug, _definition_field(seen), message)
    elif "dimension" in seen.roles and seen.found < tally.events:
        missing = tally.events - seen.found
        message = (
            f"{missing:,} of {tally.events:,} events ({share(missing, tally.events)}) have no {seen.field}:"
            " they count in the series without it"
        )
        yield Notice(WarningCode.DIMENSION_MISSING, kpi.slug, "breakdowns", message)


def _definition_field(seen: FieldSeen) -> str:
    names = {"filter": "where", "value": "value", "dimension": "breakdowns"}
    return names[seen.roles[0]]


def _of_cost(slug: str, cost: MeasureCost) -> Iterator[Notice]:
    name = ", ".join(cost.breakdown)
    if cost.series > SERIES_OF_MEASURE:
        message = (
            f"by {name} there are {cost.series:,} series; beyond {SERIES_OF_MEASURE:,} new ones are counted"
            " together as __overflow__"
        )
        yield Notice(WarningCode.MANY_SERIES, slug, "breakdowns", message)
    if cost.kind in (Kind.QUANTILES, Kind.DISTINCT) and not cost.shared_with and not cost.breakdown:
        message = "every pane holds a sketch of 50 to 1,000 bytes, a large distinct count up to 16 KiB"
        yield Notice(WarningCode.SKETCH, slug, "aggregate", message)
