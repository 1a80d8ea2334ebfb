"""What a formula reads all the way down, each with the period and dimensions meant; it evaluates nothing."""

from collections.abc import Mapping

from shared.domain.definitions.catalogues import within
from shared.domain.definitions.kpis import Kpi
from shared.domain.expressions import Operand


def operands_below(kpis: Mapping[str, Kpi], operand: Operand) -> tuple[Operand, ...]:
    """*operand*, then everything that its formula reads, and theirs, level by level, each once.

    Raises:
        KeyError: one of them is not among *kpis*.
    """
    found = {operand: None}
    level = [operand]
    while level:
        level = [part for one in level for part in parts_of(kpis, one) if part not in found]
        found |= dict.fromkeys(level)
    return tuple(found)


def parts_of(kpis: Mapping[str, Kpi], operand: Operand) -> tuple[Operand, ...]:
    """What the formula of *operand* reads itself, in the order of its operands; nothing of a KPI of events.

    Raises:
        KeyError: it is not among *kpis*.
    """
    formula = kpis[operand.slug].parsed_formula
    return () if formula is None else tuple(within(operand, one) for one in formula.operands)
