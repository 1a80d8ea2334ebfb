"""Words that mean something in an expression, so that no KPI may be called so; it parses nothing."""

import keyword

FOREIGN_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None", "nil": "None"}
"""How other languages write constants, and what to write here."""


def is_reserved(name: str) -> bool:
    """Whether a formula could not use *name* for a KPI."""
    return keyword.iskeyword(name) or name in FOREIGN_CONSTANTS
