"""Which runs of panes are looked at for questions about series, as parameters of a statement; it has no SQL.

Plan k is numbered k, and what lies ahead of its end -k - 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.readings import NOTHING, Answer, Plan, Question
from shared.domain.windows import Rung, Span, there

Pair = tuple[Question, int]
"""A question and the number of the series that it is about."""

Answers = dict[Pair, Answer]
"""The answer of each pair that any pane speaks to."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The questions about series of one kind of measure, and the runs of panes that answer them.

    Attributes:
        finest: the finest rung of each series whose coarser panes are derived; the day of others.
        until_us: up to where each derived rung is done.
    """

    plans: Mapping[Question, Plan]
    pairs: Sequence[Pair]
    finest: Mapping[int, Rung] = field(default_factory=dict)
    until_us: Mapping[Rung, int] = field(default_factory=dict)

    @property
    def questions(self) -> list[Question]:
        """By number."""
        return [question for question, _ in self._numbered()]

    def _numbered(self) -> list[tuple[Question, Rung]]:
        """The questions as asked of series with the same finest rung."""
        return list(dict.fromkeys((question, self._finest(series_id)) for question, series_id in self.pairs))

    def _finest(self, series_id: int) -> Rung:
        return self.finest.get(series_id, Rung.D1)

    def spans(self) -> list[tuple[int, Span]]:
        """The runs of panes of every plan, and those ahead."""
        found = list[tuple[int, Span]]()
        for number, (question, finest) in enumerate(self._numbered()):
            plan = self.plans[question]
            for key, spans in ((number, plan.spans), (-number - 1, plan.ahead)):
                found += [(key, part) for span in spans for part in there(span, finest, self.until_us)]
        return found

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
        numbers = {asked: number for number, asked in enumerate(self._numbered())}
        for question, series_id in self.pairs:
            number = numbers[question, self._finest(series_id)]
            yield number, series_id
            if self.plans[question].ahead:
                yield -number - 1, series_id


def with_ahead(within: Answers, ahead: Mapping[Pair, int]) -> Answers:
    """*within*, and for each pair where the earliest pane after the end starts."""
    found = dict(within)
    for pair, start_us in ahead.items():
        answer = within.get(pair, NOTHING)
        found[pair] = Answer(answer.partial, answer.first_us, start_us)
    return found
