"""Expressions of KPI files, parsed, checked and compiled once; they see events and nothing else."""

from shared.domain.expressions.errors import ExpressionError
from shared.domain.expressions.operands import Operand
from shared.domain.expressions.parsed import (
    Filter,
    Formula,
    Value,
    parse_filter,
    parse_formula,
    parse_scalar,
    parse_value,
)
from shared.domain.expressions.scaling import MAX_SCALED, scaled_values
from shared.domain.expressions.selecting import (
    Head,
    Selected,
    SelectFunction,
    Selector,
    compile_selectors,
    reads_heads,
)

__all__ = [
    "MAX_SCALED",
    "ExpressionError",
    "Filter",
    "Formula",
    "Head",
    "Operand",
    "SelectFunction",
    "Selected",
    "Selector",
    "Value",
    "compile_selectors",
    "parse_filter",
    "parse_formula",
    "parse_scalar",
    "parse_value",
    "reads_heads",
    "scaled_values",
]
