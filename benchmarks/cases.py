"""Which drains a scenario is made of, and in which order they run; it runs none."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The part of the path that is drained."""

    END_TO_END = "end_to_end"
    INGEST = "ingest"
    COMPUTE = "compute"


class Kpis(StrEnum):
    """What is counted: ten KPIs of a shop of any sort, or ten of two event types on three breakdowns."""

    SHOP = "shop"
    THREE = "three_breakdowns"


class Scenario(StrEnum):
    """What can be asked for by name."""

    END_TO_END = "end_to_end"
    STAGES = "stages"
    WINDOWS = "windows"
    LATENCY = "latency"
    READING = "reading"
    THREE_BREAKDOWNS = "three_breakdowns"
    MANY_WINDOWS = "many_windows"
    TWO_COMPUTES = "two_computes"
    SERIES = "series"
    BACKFILL = "backfill"
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of drain.

    Attributes:
        windows: of each KPI.
        computes: how many compute processes share the work.
    """

    stage: Stage
    windows: int = 5
    computes: int = 1
    kpis: Kpis = Kpis.SHOP


WHOLE = Case(Stage.END_TO_END)
WHOLE_ONE_WINDOW = Case(Stage.END_TO_END, windows=1)
WHOLE_TWO_COMPUTES = Case(Stage.END_TO_END, computes=2)
INGEST = Case(Stage.INGEST)
COMPUTE = Case(Stage.COMPUTE)
COMPUTE_ONE_WINDOW = Case(Stage.COMPUTE, windows=1)
THREE = Case(Stage.COMPUTE, kpis=Kpis.THREE)
MANY_WINDOWS = tuple(Case(Stage.COMPUTE, windows=number, kpis=Kpis.THREE) for number in (1, 5, 20, 50))


def plan(scenarios: Collection[Scenario], *, rounds: int) -> list[Case]:
    """The drains that *scenarios* need, in order; what is compared alternates, because machines drift.

    Compute alone comes last: everything before leaves the clean topic full, which it drains.
    """
    compares = Scenario.WINDOWS in scenarios
    stages = Scenario.STAGES in scenarios
    cases = [INGEST] * rounds if stages else []
    if compares:
        cases += [WHOLE_ONE_WINDOW, WHOLE] * rounds
    elif Scenario.END_TO_END in scenarios:
        cases += [WHOLE] * rounds
    elif Scenario.LATENCY in scenarios:
        cases.append(WHOLE)
    if Scenario.TWO_COMPUTES in scenarios or Scenario.BACKFILL in scenarios:
        cases += [WHOLE_TWO_COMPUTES] * rounds
    elif Scenario.END_TO_END in scenarios:
        cases.append(WHOLE_TWO_COMPUTES)
    if compares:
        cases += [COMPUTE_ONE_WINDOW, COMPUTE] * rounds
    elif stages:
        cases += [COMPUTE] * rounds
    if Scenario.MANY_WINDOWS in scenarios:
        cases += [*MANY_WINDOWS] * rounds
    elif Scenario.THREE_BREAKDOWNS in scenarios:
        cases += [THREE] * rounds
    return cases
