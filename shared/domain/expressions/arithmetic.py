"""How values combine while an expression runs: exact numbers, no guessing of types; it knows no event.

Every function raises one of FAILURES when an operand is missing, null or of the wrong type, or when a
denominator is zero. Truth values are not numbers, and a list or an object equals nothing.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, NoReturn

FAILURES = (TypeError, ArithmeticError, LookupError)
"""What evaluation may raise: the filter is then false and the value null."""

EXACT = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""The arithmetic of IEEE 754 decimal128: 34 digits, and no infinities."""

WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow])
"""Room enough to round any number that EXACT yields without a second rounding."""

NUMBERS = frozenset((int, float, Decimal))
SCALARS = frozenset((str, int, float, bool, type(None)))
_NUMERIC_TEXT = re.compile(r"[+-]?\d{1,38}(\.\d{1,38})?([eE][+-]?\d{1,2})?", re.ASCII)


class MissingPathError(LookupError):
    """The event has no such field."""


class Missing:
    """Stands for a field that is not there: whatever is asked of it fails, but for `is`."""

    __slots__ = ()

    def _fail(self, _other: object = None) -> NoReturn:
        raise MissingPathError

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _fail
    __hash__ = __bool__ = _fail


MISSING = Missing()


def absent() -> NoReturn:
    """Fails: the event has no such field."""
    raise MissingPathError


def wrong() -> NoReturn:
    """Fails: an operand has a type that the operator does not take."""
    raise TypeError


def exact(x: Any) -> int | Decimal:
    """The number *x* as the decimal its shortest literal says."""
    kind = x.__class__
    if kind is int or kind is Decimal:
        return x  # type: ignore[no-any-return]  # the class was compared, which mypy does not follow
    return Decimal(repr(x)) if kind is float else wrong()


def add(a: Any, b: Any) -> int | Decimal:
    """The exact sum."""
    a, b = exact(a), exact(b)
    return a + b if a.__class__ is b.__class__ is int else EXACT.add(a, b)


def subtract(a: Any, b: Any) -> int | Decimal:
    """The exact difference."""
    a, b = exact(a), exact(b)
    return a - b if a.__class__ is b.__class__ is int else EXACT.subtract(a, b)


def multiply(a: Any, b: Any) -> int | Decimal:
    """The product; integers multiply without rounding."""
    a, b = exact(a), exact(b)
    return a * b if a.__class__ is b.__class__ is int else EXACT.multiply(a, b)


def divide(a: Any, b: Any) -> Decimal:
    """The quotient to 34 digits."""
    return EXACT.divide(exact(a), exact(b))


def modulo(a: Any, b: Any) -> int | Decimal:
    """The remainder, with the sign of the divisor as in Python."""
    a, b = exact(a), exact(b)
    if a.__class__ is b.__class__ is int:
        return a % b
    rest = EXACT.remainder(a, b)
    return EXACT.add(rest, b) if rest and (rest < 0) != (b < 0) else rest


def negative(x: Any) -> int | Decimal:
    """The number with the other sign."""
    return -exact(x) if x.__class__ is int else EXACT.minus(exact(x))


def positive(x: Any) -> Any:
    """The number itself."""
    return x if x.__class__ in NUMBERS else wrong()


def absolute(x: Any) -> Any:
    """The number without its sign."""
    return negative(x) if exact(x) < 0 else x


def smallest(*numbers: Any) -> Any:
    """The smallest of *numbers*."""
    return min(numbers, key=exact)


def largest(*numbers: Any) -> Any:
    """The largest of *numbers*."""
    return max(numbers, key=exact)


def rounded(x: Any, digits: int = 0) -> int | Decimal:
    """The number rounded half-even to *digits* decimals."""
    number = exact(x)
    if isinstance(number, int):
        return number
    return WIDE.quantize(number, Decimal(1).scaleb(-digits))


def number(x: Any) -> Any:
    """The number that *x* is, or that it spells: `12`, `-0.5`, `1e3`."""
    kind = x.__class__
    if kind is int or kind is float or kind is Decimal:
        return x
    if kind is not str or _NUMERIC_TEXT.fullmatch(x) is None:
        wrong()
    return int(x) if x.lstrip("+-").isdigit() else Decimal(x)


def truth(x: Any) -> bool:
    """The truth value that *x* is; nothing else counts as one."""
    return x if x is True or x is False else wrong()


def equal(a: Any, b: Any) -> bool:
    """Whether two values are the same number, text, truth value or null."""
    if a is MISSING or b is MISSING:
        absent()
    kind, other = a.__class__, b.__class__
    if kind in NUMBERS and other in NUMBERS:
        return exact(a) == exact(b)
    return bool(kind is other and kind in SCALARS and a == b)


def _ordered(a: Any, b: Any) -> tuple[Any, Any]:
    return (a, b) if a.__class__ is b.__class__ is str else (exact(a), exact(b))


def less(a: Any, b: Any) -> bool:
    """Whether *a* comes before *b*: two numbers or two texts."""
    a, b = _ordered(a, b)
    return bool(a < b)


def at_most(a: Any, b: Any) -> bool:
    """Whether *a* does not come after *b*: two numbers or two texts."""
    a, b = _ordered(a, b)
    return bool(a <= b)


def more(a: Any, b: Any) -> bool:
    """Whether *a* comes after *b*: two numbers or two texts."""
    a, b = _ordered(a, b)
    return bool(a > b)


def at_least(a: Any, b: Any) -> bool:
    """Whether *a* does not come before *b*: two numbers or two texts."""
    a, b = _ordered(a, b)
    return bool(a >= b)


def among(x: Any, members: tuple[Any, ...]) -> bool:
    """Whether *x* equals one of *members*."""
    return any(equal(x, member) for member in members)


def not_text(x: Any) -> bool:
    """Whether *x*, which is no text, is one of some texts."""
    return False if x is not MISSING else absent()


def within(part: Any, whole: Any) -> bool:
    """Whether the text *whole* contains *part*, or the list *whole* has it as an element."""
    if whole.__class__ is list:
        return among(part, tuple(whole)) if part is not MISSING else wrong()
    return part in whole if part.__class__ is whole.__class__ is str else wrong()


def contains(whole: Any, part: Any) -> bool:
    """`within`, with the whole first."""
    return within(part, whole)


def _text(x: Any) -> str:
    return x if x.__class__ is str else wrong()


def lower(x: Any) -> str:
    """The text in lower case."""
    return _text(x).lower()


def upper(x: Any) -> str:
    """The text in upper case."""
    return _text(x).upper()


def startswith(x: Any, prefix: Any) -> bool:
    """Whether the text begins with *prefix*."""
    return _text(x).startswith(_text(prefix))


def endswith(x: Any, suffix: Any) -> bool:
    """Whether the text ends with *suffix*."""
    return _text(x).endswith(_text(suffix))
