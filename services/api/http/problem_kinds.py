"""The kinds of problems, and which error is of which: the only place that knows both errors and statuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from services.api.exports.parquet_files import NoParquetError
from services.api.http.bodies import BodyTooLargeError, BodyTooSlowError, BodyTypeError
from services.api.http.parameters import InvalidFieldError, InvalidParameterError
from services.api.http.preconditions import PreconditionFailedError, PreconditionRequiredError
from services.api.streaming.streams import TooManyStreamsError
from shared.domain.access.errors import (
    MissingScopeError,
    OutsideLimitsError,
    RefusedError,
    UnauthenticatedError,
    UndeclaredScopeError,
)
from shared.domain.access.keys import DeadKeyError, InvalidKeyError, UnknownKeyError
from shared.domain.access.rates import TooManyRequestsError
from shared.domain.annotations import NotTheAuthorError, StaleAnnotationError, UnknownAnnotationError
from shared.domain.definitions import DefinitionError
from shared.domain.definitions.plans import StillUsedError
from shared.domain.errors import (
    AlreadyDefinedError,
    BadInputError,
    EventsMovedError,
    LogLostError,
    ReplayTooLargeError,
    StoreUnavailableError,
    TryAgainError,
    UnknownBreakdownError,
    UnknownDefinitionError,
    UnknownEventTypeError,
    UnknownKpiError,
    UnknownVersionError,
    UnknownWindowError,
)
from shared.replay.letter_pages import UnknownDeadLetterError
from shared.storage.backfills import BackfillStateError, UnknownBackfillError
from shared.storage.idempotency import ReusedKeyError


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem; its slug and title never change, its detail tells the case."""

    slug: str
    title: str
    status: HTTPStatus

    @property
    def urn(self) -> str:
        """The type of its problems."""
        return f"urn:tidemark:problem:{self.slug}"


INTERNAL = Kind("internal", "Something went wrong on our side", HTTPStatus.INTERNAL_SERVER_ERROR)
INVALID_PARAMETER = Kind("invalid-parameter", "A parameter cannot be used", HTTPStatus.BAD_REQUEST)
BODY_TOO_LARGE = Kind("body-too-large", "The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
CHANGED = Kind("changed", "It has changed since it was read", HTTPStatus.PRECONDITION_FAILED)
URL_TOO_LONG = Kind("url-too-long", "The URL is too long", HTTPStatus.REQUEST_URI_TOO_LONG)

BY_ERROR: Mapping[type[BaseException], Kind] = {
    UnknownKpiError: Kind("unknown-kpi", "There is no such KPI", HTTPStatus.NOT_FOUND),
    UnknownEventTypeError: Kind("unknown-event-type", "No such event was seen", HTTPStatus.NOT_FOUND),
    UnknownWindowError: Kind("unknown-window", "The KPI has no such window", HTTPStatus.BAD_REQUEST),
    UnknownBreakdownError: Kind(
        "unknown-breakdown", "The KPI is not kept by these dimensions", HTTPStatus.BAD_REQUEST
    ),
    InvalidParameterError: INVALID_PARAMETER,
    NoParquetError: Kind("no-parquet", "No Parquet is written here", HTTPStatus.NOT_ACCEPTABLE),
    UnknownDeadLetterError: Kind("unknown-dead-letter", "There is no such dead letter", HTTPStatus.NOT_FOUND),
    InvalidFieldError: INVALID_PARAMETER,
    UnknownDefinitionError: Kind("unknown-definition", "There is nothing of that name", HTTPStatus.NOT_FOUND),
    UnknownAnnotationError: Kind("unknown-annotation", "There is no such annotation", HTTPStatus.NOT_FOUND),
    NotTheAuthorError: Kind("not-the-author", "Somebody else wrote it", HTTPStatus.FORBIDDEN),
    StaleAnnotationError: CHANGED,
    PreconditionFailedError: CHANGED,
    PreconditionRequiredError: Kind(
        "if-match-required", "A change says what it is meant for", HTTPStatus.PRECONDITION_REQUIRED
    ),
    ReusedKeyError: Kind(
        "idempotency-key-reused", "The key is that of another request", HTTPStatus.UNPROCESSABLE_ENTITY
    ),
    ReplayTooLargeError: Kind(
        "replay-too-large", "The answer would take too much of the log", HTTPStatus.BAD_REQUEST
    ),
    UnauthenticatedError: Kind("unauthenticated", "Nobody is known by this", HTTPStatus.UNAUTHORIZED),
    TooManyRequestsError: Kind(
        "too-many-requests", "The caller asks too often", HTTPStatus.TOO_MANY_REQUESTS
    ),
    InvalidKeyError: Kind("invalid-key", "There cannot be such a key", HTTPStatus.BAD_REQUEST),
    UnknownKeyError: Kind("unknown-key", "There is no such key", HTTPStatus.NOT_FOUND),
    DeadKeyError: Kind("dead-key", "The key is at its end", HTTPStatus.CONFLICT),
    RefusedError: Kind("refused", "The caller is turned away", HTTPStatus.FORBIDDEN),
    MissingScopeError: Kind("missing-scope", "The caller may not do this", HTTPStatus.FORBIDDEN),
    UndeclaredScopeError: Kind("undeclared-scope", "Nobody may do this", HTTPStatus.FORBIDDEN),
    LogLostError: Kind("log-lost", "The log no longer reaches back so far", HTTPStatus.GONE),
    DefinitionError: Kind(
        "invalid-definition", "The definition breaks rules", HTTPStatus.UNPROCESSABLE_ENTITY
    ),
    EventsMovedError: Kind("events-moved", "What is listed has changed meanwhile", HTTPStatus.CONFLICT),
    UnknownVersionError: Kind("unknown-version", "There is no such version", HTTPStatus.NOT_FOUND),
    UnknownBackfillError: Kind("unknown-backfill", "There is no such backfill", HTTPStatus.NOT_FOUND),
    BackfillStateError: Kind("backfill-over", "The backfill is past that", HTTPStatus.CONFLICT),
    AlreadyDefinedError: Kind("already-defined", "The name is taken", HTTPStatus.CONFLICT),
    StillUsedError: Kind("still-used", "Others need it", HTTPStatus.CONFLICT),
    OutsideLimitsError: Kind("outside-limits", "The caller may not define this", HTTPStatus.FORBIDDEN),
    BadInputError: Kind("bad-input", "What was sent cannot be used", HTTPStatus.BAD_REQUEST),
    BodyTooLargeError: BODY_TOO_LARGE,
    BodyTooSlowError: Kind("body-too-slow", "The body was not all there in time", HTTPStatus.REQUEST_TIMEOUT),
    BodyTypeError: Kind("body-type", "The body is of another type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    TooManyStreamsError: Kind("too-many-streams", "No stream is free", HTTPStatus.SERVICE_UNAVAILABLE),
    StoreUnavailableError: Kind(
        "store-unavailable", "The database does not answer", HTTPStatus.SERVICE_UNAVAILABLE
    ),
    TryAgainError: Kind("try-again", "Not possible at the moment", HTTPStatus.SERVICE_UNAVAILABLE),
}
"""The nearest class in an error's ancestry decides; what is not here is our fault and says nothing."""

BY_STATUS = {
    404: Kind("not-found", "There is nothing here", HTTPStatus.NOT_FOUND),
    405: Kind("method-not-allowed", "The method is not allowed here", HTTPStatus.METHOD_NOT_ALLOWED),
    413: BODY_TOO_LARGE,
}
