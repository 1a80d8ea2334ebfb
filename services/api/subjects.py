"""What an annotation may be about: KPIs, windows and series that there are; it reads nothing."""

from collections.abc import Sequence
from datetime import datetime

from services.api.dependencies import known_breakdown, known_window, visible_kpis
from services.api.http.parameters import InvalidFieldError
from services.api.schemas.annotations import KpiRemarkBody, subject_of
from shared.domain.access import Principal
from shared.domain.annotations import Annotation, AnnotationKind, Subject
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.errors import BadInputError

_OF_THREADS = ("start_at", "end_at", "window", "dimensions")


def said_of(
    body: KpiRemarkBody,
    kpis: Sequence[str] | None,
    catalogue: Catalogue,
    caller: Principal,
    *,
    thread: Annotation | None,
    now: datetime,
) -> Subject:
    """What *body* is about: *kpis*, None being every one; of an answer, what its thread is about.

    Args:
        body: what is said.
        kpis: slugs.
        catalogue: as the caller sees it.
        caller: one who is limited to some KPIs says nothing about every KPI.
        thread: what is answered.
        now: when it is said.

    Raises:
        InvalidFieldError: a field of *body* names what there is not.
    """
    if thread is not None:
        _check_answer(body, kpis, thread)
        return thread.subject
    if kpis is None and not caller.limits.is_everything:
        raise InvalidFieldError("/kpis", "name the KPIs: this caller sees some only")
    subject = subject_of(body, kpis, now=now)
    if subject.end_at is not None and subject.end_at <= subject.start_at:
        raise InvalidFieldError("/end_at", "does not lie after start_at")
    known = None if kpis is None else [_known(catalogue, slug, place) for place, slug in enumerate(kpis)]
    return _checked(subject, known)


def _check_answer(body: KpiRemarkBody, kpis: Sequence[str] | None, thread: Annotation) -> None:
    if thread.reply_to is not None:
        raise InvalidFieldError("/reply_to", f"is an answer itself; answer {thread.reply_to}")
    if body.kind not in (None, AnnotationKind.COMMENT):
        raise InvalidFieldError("/kind", "of an answer is comment")
    said = next((name for name in _OF_THREADS if getattr(body, name) is not None), None)
    if said is not None:
        raise InvalidFieldError(f"/{said}", "is that of what is answered; leave it out")
    if kpis is not None and not all(thread.subject.concerns(slug) for slug in kpis):
        raise InvalidFieldError("/reply_to", "is about other KPIs")


def _known(catalogue: Catalogue, slug: str, place: int) -> Kpi:
    found = visible_kpis(catalogue).get(slug)
    if found is None:
        raise InvalidFieldError(f"/kpis/{place}", f"there is no KPI {slug!r}")
    return found


def _checked(subject: Subject, kpis: Sequence[Kpi] | None) -> Subject:
    """*subject*, with the window under its own name.

    Raises:
        InvalidFieldError: one of *kpis* has no such window or series.
    """
    if kpis is None:
        said = next((name for name in ("window", "dimensions") if getattr(subject, name) is not None), None)
        if said is not None:
            raise InvalidFieldError(f"/{said}", "needs kpis, for which it is meant")
        return subject
    window = subject.window
    try:
        for kpi in kpis:
            window = None if subject.window is None else known_window(kpi, subject.window)
    except BadInputError as error:
        raise InvalidFieldError("/window", str(error)) from error
    try:
        for kpi in kpis:
            known_breakdown(kpi, tuple(subject.dimensions or ()))
    except BadInputError as error:
        raise InvalidFieldError("/dimensions", str(error)) from error
    return Subject(subject.kpis, window, subject.dimensions, subject.start_at, subject.end_at)
