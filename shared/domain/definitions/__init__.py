"""What a KPI is, and what several of them mean together; it knows neither files nor tables."""

from shared.domain.definitions.catalogues import Catalogue, CatalogueProblem, catalogue_problems
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.measures import Measure
from shared.domain.definitions.parts import Alert, OpenHours, Severity, Target
from shared.domain.definitions.plans import Action, Change, Difference, plan
from shared.domain.definitions.problems import DefinitionError, Place, Problem

__all__ = [
    "Action",
    "Alert",
    "Catalogue",
    "CatalogueProblem",
    "Change",
    "DefinitionError",
    "Difference",
    "Kpi",
    "Measure",
    "OpenHours",
    "Place",
    "Problem",
    "Severity",
    "Target",
    "catalogue_problems",
    "plan",
]
