"""POST /v1/events: one CloudEvent or a batch, answered when Kafka has acknowledged what is accepted."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.ingest.http.bodies import read_body
from services.ingest.http.gate import Gate
from services.ingest.http.problems import MALFORMED, REJECTED, TOO_LARGE, UNSUPPORTED, RequestProblemError
from services.ingest.judging import clean_records, judge_times
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer, Sight, types_of
from services.ingest.schemas import Outcome, Schemas, checked
from shared.contracts.intake import decode_binary, decode_structured, media_type
from shared.domain.errors import BrokerUnavailableError
from shared.domain.events import Reason, Rejected
from shared.runtime.clock import epoch_us

MAX_BATCH = 1000
"""Events of one request."""

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

_UNREADABLE = frozenset({Reason.MALFORMED_JSON, Reason.NOT_UTF8, Reason.NOT_AN_OBJECT, Reason.EMPTY_RECORD})
"""Reasons that speak of the body as a whole when it is the only event."""


class Intake:
    """The endpoint. Events that are rejected are told to the sender and stored nowhere."""

    def __init__(self, gate: Gate, metrics: Metrics, observer: Observer, schemas: Schemas) -> None:
        self._gate = gate
        self._events = metrics.http_events
        self._flagged = metrics.schema_flagged.labels("http")
        self._observer = observer
        self._schemas = schemas

    async def post(self, request: Request) -> Response:
        """Take the events of *request* in.

        Raises:
            RequestProblemError: no event could be accepted.
            BrokerUnavailableError: Kafka has not acknowledged them.
        """
        kind = media_type(request.headers.get("content-type", "").encode("latin-1"))
        is_binary = "ce-specversion" in request.headers and not kind.startswith("application/cloudevents")
        if kind not in (STRUCTURED, BATCH) and not is_binary:
            raise RequestProblemError(
                UNSUPPORTED, f"send {STRUCTURED}, {BATCH}, or JSON with the attributes in ce- headers"
            )
        if not await self._schemas.soon_known():
            raise BrokerUnavailableError("what is declared of event types was not read yet")
        body, now_us = await read_body(request), epoch_us()
        if is_binary:
            ids: Sequence[str | None] = [request.headers.get("ce-id")]
            outcomes: list[Outcome] = [_from_headers(request, kind, body, now_us)]
        else:
            raws = _elements(body) if kind == BATCH else [body]
            ids = [_id(raw) for raw in raws]
            outcomes = [decode_structured(raw, timestamp_us=now_us) for raw in raws]
        outcomes, sight = checked(judge_times(outcomes, now_us=now_us), self._schemas.rules)
        return await self._answered(outcomes, list(map(_result, ids, outcomes)), sight)

    async def _answered(
        self, outcomes: Sequence[Outcome], results: Sequence[dict[str, Any]], sight: Sight
    ) -> Response:
        accepted = [outcome for outcome in outcomes if not isinstance(outcome, Rejected)]
        rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
        self._events.labels("rejected").inc(len(rejected))
        if rejected and not accepted:
            self._observer.count(Sight(rejected=sight.rejected))
            raise _refusal(rejected, results)
        try:
            partitions = await self._gate.partitions()
            await self._gate.send(clean_records(accepted, partitions=partitions))
        except BrokerUnavailableError:
            self._events.labels("unavailable").inc(len(accepted))
            raise
        self._events.labels("accepted").inc(len(accepted))
        self._flagged.inc(sight.flagged.total())
        sight.types.update(types_of(accepted))
        self._observer.look(accepted, sight.types)
        self._observer.count(sight)
        return Response(msgspec.json.encode({"results": results}), 202, media_type="application/json")


def _elements(body: bytes) -> list[bytes]:
    try:
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestProblemError(MALFORMED, f"the body is no JSON array: {error}") from error
    if len(raws) > MAX_BATCH:
        raise RequestProblemError(
            TOO_LARGE, f"the batch has {len(raws)} events; at most {MAX_BATCH} are accepted"
        )
    return [bytes(raw) for raw in raws]


def _from_headers(request: Request, content_type: str, body: bytes, now_us: int) -> Outcome:
    attributes = {}
    for name, value in request.headers.items():
        if name.startswith("ce-"):
            try:
                attributes[name[3:]] = _unquoted(value)
            except ValueError:
                return Rejected(Reason.INVALID_ATTRIBUTE, f"header {name} is not percent-encoded UTF-8")
    return decode_binary(attributes, content_type, body, timestamp_us=now_us)


def _unquoted(value: str) -> str:
    """The text of a header by the HTTP binding: quotes taken off first, then percent-encoding undone."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote(value.encode("latin-1").decode(), errors="strict")


def _result(event_id: str | None, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Rejected):
        return {"id": event_id, "status": "rejected", "reason": outcome.reason, "detail": outcome.detail}
    return {"id": outcome.id, "status": "accepted"}


class _Named(msgspec.Struct):
    id: str | None = None


def _id(raw: bytes) -> str | None:
    """The id that an event claims, so that its sender finds a rejected one; None when there is none."""
    try:
        return msgspec.json.decode(raw, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _refusal(rejected: Sequence[Rejected], results: Sequence[dict[str, Any]]) -> RequestProblemError:
    if len(rejected) > 1:
        return RequestProblemError(REJECTED, f"all {len(rejected)} events are rejected", results=results)
    only = rejected[0]
    kind = MALFORMED if only.reason in _UNREADABLE else REJECTED
    if only.reason is Reason.EVENT_TOO_LARGE:
        kind = TOO_LARGE
    if only.reason is Reason.UNSUPPORTED_CONTENT_TYPE:
        kind = UNSUPPORTED
    return RequestProblemError(kind, only.detail, results=results)
