"""The bodies of questions that are answered together, for bytes and for OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field, with_config

from services.api.http.problems import Fault
from services.api.schemas.comparisons import ComparedBody
from services.api.schemas.values import ValueBody
from shared.domain.comparisons import Against, Alignment

MOST_QUESTIONS = 100
"""How many questions may be asked together: a dashboard, not an export."""

MOST_SERIES = 100
"""How many series one question may ask for by a breakdown."""

USUAL_SERIES = 10
"""How many series a breakdown is answered with unless it says otherwise."""

_Name = Annotated[str, Field(max_length=200)]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class QuestionBody:
    """A KPI over a window at an instant: the total, one series, or the series of a breakdown."""

    kpi: Annotated[_Name, Field(description="The KPI's slug")]
    window: Annotated[_Name | None, Field(description="One of its windows; its first one when left out")] = (
        None
    )
    at: Annotated[_Name | None, Field(description="RFC 3339 with its offset; now when left out")] = None
    dimensions: Annotated[
        Mapping[_Name, _Name | None],
        Field(
            max_length=10,
            description="One series: the values of the dimensions of a breakdown; null: events without it",
        ),
    ] = field(default_factory=dict)
    breakdown: Annotated[
        list[_Name] | None,
        Field(
            min_length=1,
            max_length=10,
            description="Instead of one series the largest ones of this breakdown, then one whose dimensions"
            " are __other__ with the value of all other events together",
        ),
    ] = None
    top: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_SERIES,
            description=f"How many series of the breakdown; {USUAL_SERIES} when left out",
        ),
    ] = None
    compare: Annotated[
        list[Against],
        Field(max_length=4, description="What the value is compared with, as with of /compare; no breakdown"),
    ] = field(default_factory=list)
    align: Annotated[Alignment, Field(description="As of /compare")] = Alignment.DATE


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class QuestionsBody:
    """Questions that are answered together, from one snapshot."""

    questions: Annotated[list[QuestionBody], Field(min_length=1, max_length=MOST_QUESTIONS)]


@dataclass(frozen=True, slots=True)
class QuestionProblemBody:
    """Why one question has no answer; the others have theirs."""

    type: Annotated[str, Field(description="urn:tidemark:problem:<slug>, as of a problem of a whole request")]
    title: Annotated[str, Field(description="What sort of problem it is; the same for every case")]
    status: Annotated[int, Field(description="The HTTP status that the question alone would have met")]
    detail: Annotated[str, Field(description="What happened in this case, for people")]
    errors: Annotated[list[Fault], Field(description="The parts of the question at fault, as JSON pointers")]


@dataclass(frozen=True, slots=True)
class AnswerBody:
    """The answer to one question: a value, the values of a breakdown, or a problem; the others are null."""

    value: ComparedBody | ValueBody | None
    series: Annotated[
        list[ValueBody] | None, Field(description="Of a breakdown, the largest first, then __other__")
    ]
    problem: QuestionProblemBody | None


@dataclass(frozen=True, slots=True)
class AnswersBody:
    """The answers, in the order of the questions, all of one snapshot."""

    items: list[AnswerBody]
