"""Many questions about values at once: each has its own answer or its own problem, all of one snapshot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.api.dependencies import (
    CurrentCatalogue,
    Scope,
    State,
    known_breakdown,
    known_kpi,
    known_window,
    needs,
    only,
)
from services.api.http.answers import ENCODER
from services.api.http.parameters import KEPT, InvalidParameterError, instant, readable
from services.api.http.problems import Fault, known_kind
from services.api.meanings import judged
from services.api.readers import Picked, Top
from services.api.routes.comparisons import instant_before
from services.api.routes.values import Moment
from services.api.schemas.batches import (
    USUAL_SERIES,
    AnswerBody,
    AnswersBody,
    QuestionBody,
    QuestionProblemBody,
    QuestionsBody,
)
from services.api.schemas.comparisons import Compared, compared_body
from services.api.schemas.values import Judged, value_body
from shared.domain.comparisons import Against
from shared.domain.definitions import Catalogue
from shared.domain.errors import BadInputError
from shared.domain.readings import Reading
from shared.domain.targets import Judgement
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

MOST_BREAKDOWNS = 10
"""How many questions of a request may ask for breakdowns: each reads all series that the KPI has met."""


@dataclass(frozen=True, slots=True)
class Single:
    """A question about one series, and what its value is compared with.

    Attributes:
        before: the instants it is compared with.
        kept: which of them values are kept for.
    """

    moment: Moment
    asks: tuple[Ask, ...]
    before: tuple[tuple[Against, datetime], ...]
    kept: tuple[Against, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """A question about the largest series of a breakdown."""

    moment: Moment
    top: Top


Understood = Single | Several | BadInputError

Meant = tuple[Reading, Judgement]
"""A reading, and how it stands to its target."""


@router.post("/values/query", response_model=AnswersBody, dependencies=[Depends(only())])
async def query_values(body: QuestionsBody, *, state: State, catalogue: CurrentCatalogue) -> Response:
    """Up to 100 questions about values answered in their order; a bad one does not spoil the others."""
    now = state.clock()
    understood = _limited([_understood(catalogue, question, now) for question in body.questions])
    asks = [ask for each in understood if isinstance(each, Single) for ask in each.asks]
    tops = [each.top for each in understood if isinstance(each, Several)]
    readings, series = await state.readings.together(catalogue, asks, tops, now=now)
    found = [*readings, *chain.from_iterable(series)]
    known = iter(zip(found, await judged(state, catalogue, found), strict=True))
    pairs = list(islice(known, len(readings)))
    answers = AnswersBody(items=_answers(understood, pairs, [list(islice(known, len(s))) for s in series]))
    headers = {"Cache-Control": "no-store"}
    return Response(ENCODER.encode(answers), media_type="application/json", headers=headers)


def _understood(catalogue: Catalogue, question: QuestionBody, now: datetime) -> Understood:
    try:
        kpi = known_kpi(catalogue, question.kpi)
        at = now if question.at is None else readable("at", instant("at", question.at), now=now)
        moment = Moment(kpi, known_window(kpi, question.window), at, now, is_past=False)
        return _single(moment, question) if question.breakdown is None else _several(moment, question)
    except BadInputError as error:
        return error


def _single(moment: Moment, question: QuestionBody) -> Single:
    if question.top is not None:
        raise InvalidParameterError("top", "chooses among the series of a breakdown; name one")
    known_breakdown(moment.kpi, tuple(question.dimensions))
    series = tuple(sorted(question.dimensions.items()))
    before = [(each, instant_before(moment, each, question.align)) for each in question.compare]
    kept = {each: at for each, at in before if at >= moment.now - KEPT}
    earlier = [replace(moment, at=at).ask(series) for at in kept.values()]
    return Single(moment, (moment.ask(series), *earlier), tuple(before), tuple(kept))


def _several(moment: Moment, question: QuestionBody) -> Several:
    if question.dimensions:
        raise InvalidParameterError("breakdown", "asks for every series; leave the dimensions out")
    if question.compare:
        raise InvalidParameterError("compare", "is answered for one series; leave the breakdown out")
    names = known_breakdown(moment.kpi, tuple(question.breakdown or ()))
    picked = Picked(moment.kpi.slug, moment.window, names, moment.at)
    return Several(moment, Top(picked, question.top or USUAL_SERIES))


def _limited(understood: Iterable[Understood]) -> list[Understood]:
    """*understood*, the breakdowns after the first few refused."""
    limited, breakdowns = list[Understood](), 0
    for each in understood:
        breakdowns += isinstance(each, Several)
        if isinstance(each, Several) and breakdowns > MOST_BREAKDOWNS:
            reason = f"at most {MOST_BREAKDOWNS} questions of a request may ask for one"
            limited.append(InvalidParameterError("breakdown", reason))
        else:
            limited.append(each)
    return limited


def _answers(
    understood: Sequence[Understood], readings: Iterable[Meant], series: Iterable[Sequence[Meant]]
) -> list[AnswerBody]:
    """What each question comes to; *readings* and *series* are in the order in which they were asked for."""
    readings, series = iter(readings), iter(series)
    items: list[AnswerBody] = []
    for number, each in enumerate(understood):
        match each:
            case Single():
                items.append(_of_single(each, [next(readings) for _ in each.asks]))
            case Several():
                found = [value_body(each.moment.kpi, *meant) for meant in next(series)]
                items.append(AnswerBody(value=None, series=found, problem=None))
            case _:
                items.append(AnswerBody(value=None, series=None, problem=_problem(each, number)))
    return items


def _of_single(single: Single, readings: Sequence[Meant]) -> AnswerBody:
    kpi = single.moment.kpi
    if not single.before:
        return AnswerBody(value=value_body(kpi, *readings[0]), series=None, problem=None)
    points = [Judged(ask.at, *meant) for ask, meant in zip(single.asks, readings, strict=True)]
    found = dict(zip(single.kept, points[1:], strict=True))
    compared = [Compared(each, at, found.get(each)) for each, at in single.before]
    body = compared_body(kpi, points[0], compared)
    return AnswerBody(value=body, series=None, problem=None)


def _problem(error: BadInputError, number: int) -> QuestionProblemBody:
    kind = known_kind(error)
    faults = (
        [Fault(parameter=None, pointer=f"/questions/{number}/{error.parameter}", detail=error.reason)]
        if isinstance(error, InvalidParameterError)
        else []
    )
    return QuestionProblemBody(
        type=kind.urn, title=kind.title, status=kind.status.value, detail=str(error), errors=faults
    )
