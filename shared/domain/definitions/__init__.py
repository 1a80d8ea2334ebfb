"""What a KPI is, and what several of them mean together; it knows neither files nor tables."""

from shared.domain.definitions.catalogues import Catalogue, CatalogueProblem, catalogue_problems
from shared.domain.definitions.event_types import EventType
from shared.domain.definitions.kinds import Definition, Definitions, Key, Kind, Other, key_of
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.measures import Measure
from shared.domain.definitions.objectives import Objective
from shared.domain.definitions.parts import Alert, OpenHours, Severity
from shared.domain.definitions.plans import Action, Change, Difference, plan
from shared.domain.definitions.problems import DefinitionError, Place, Problem
from shared.domain.definitions.scorecards import Scorecard
from shared.domain.definitions.target_parts import Target
from shared.domain.definitions.together import problems_together

__all__ = [
    "Action",
    "Alert",
    "Catalogue",
    "CatalogueProblem",
    "Change",
    "Definition",
    "DefinitionError",
    "Definitions",
    "Difference",
    "EventType",
    "Key",
    "Kind",
    "Kpi",
    "Measure",
    "Objective",
    "OpenHours",
    "Other",
    "Place",
    "Problem",
    "Scorecard",
    "Severity",
    "Target",
    "catalogue_problems",
    "key_of",
    "plan",
    "problems_together",
]
