"""Which runs of panes are looked at for questions about series, as parameters of a statement; it has no SQL.

Plan k is numbered k, and what lies ahead of its end -k - 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.readings import NOTHING, Answer, Plan, Question
from shared.domain.windows import Span

Pair = tuple[Question, int]
"""A question and the number of the series that it is about."""

Answers = dict[Pair, Answer]
"""The answer of each pair that any pane speaks to."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The questions about series of one kind of measure, and the runs of panes that answer them."""

    plans: Mapping[Question, Plan]
    pairs: Sequence[Pair]

    @property
    def questions(self) -> list[Question]:
        """By number."""
        return list(dict.fromkeys(question for question, _ in self.pairs))

    def spans(self) -> list[tuple[int, Span]]:
        """The runs of panes of every plan, and those ahead."""
        questions = self.questions
        spans = [(k, span) for k, question in enumerate(questions) for span in self.plans[question].spans]
        ahead = [
            (-k - 1, span) for k, question in enumerate(questions) for span in self.plans[question].ahead
        ]
        return spans + ahead

    def parameters(self) -> dict[str, list[int]]:
        """The numbered plans with their series, and the numbered plans with their spans."""
        asked, spans = list(self._asked()), self.spans()
        return {
            "plan_nos": [number for number, _ in asked],
            "series_ids": [series_id for _, series_id in asked],
            "span_plans": [number for number, _ in spans],
            "rungs": [int(span.rung) for _, span in spans],
            "starts": [span.start_us for _, span in spans],
            "ends": [span.end_us for _, span in spans],
        }

    def _asked(self) -> Iterator[tuple[int, int]]:
        numbers = {question: number for number, question in enumerate(self.questions)}
        for question, series_id in self.pairs:
            yield numbers[question], series_id
            if self.plans[question].ahead:
                yield -numbers[question] - 1, series_id


def with_ahead(within: Answers, ahead: Mapping[Pair, int]) -> Answers:
    """*within*, and for each pair where the earliest pane after the end starts."""
    found = dict(within)
    for pair, start_us in ahead.items():
        answer = within.get(pair, NOTHING)
        found[pair] = Answer(answer.partial, answer.first_us, start_us)
    return found
