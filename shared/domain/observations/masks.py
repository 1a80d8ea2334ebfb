"""Which fields may hold data of persons, and the shape that is shown instead; it decides by names and values.

Rather too much is masked than too little: what is masked once is lost, what is not masked stays for ever.
"""

import re
from collections.abc import Collection
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

MASK = "***"

LONG_CHARACTERS = 40
"""Longer texts are written by people rather than chosen from a list, and may say anything."""

_PERSONAL_WORDS = frozenset(
    (
        *("addr", "address", "city", "email", "fax", "ip", "mail", "mobile", "msisdn", "phone", "postal"),
        *("postcode", "street", "tel", "telephone", "zip", "lat", "latitude", "lng", "lon", "longitude"),
        *("birthdate", "birthday", "dob", "firstname", "fullname", "gender", "lastname", "name", "nickname"),
        *("surname", "username", "bic", "card", "cvc", "cvv", "iban", "passport", "password", "passwd"),
        *("secret", "signature", "ssn", "token"),
    )
)
"""Words of which one in a name makes a field personal."""

_PERSONAL_PARTS = ("address", "birth", "email", "firstname", "iban", "lastname", "passw", "phone", "surname")
"""What makes a field personal wherever it stands in its name."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"(?:\+|\b00)[1-9][0-9 ()/.-]{6,}[0-9]")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![0-9])[2-6](?:[ -]?[0-9]){13,18}(?![0-9])")


def is_personal(path: str, declared: Collection[str]) -> bool:
    """Whether the field at *path*, such as data.customer.email, is masked whatever its values are.

    Args:
        path: names with dots between them.
        declared: fields that their owners call personal, with or without the leading data; what lies below
            one of them is personal, too.
    """
    bare = _bare(path)
    if any(bare == one or bare.startswith((f"{one}.", f"{one}[")) for one in map(_bare, declared)):
        return True
    return any(_is_personal_name(name) for name in bare.replace("[]", "").split("."))


def _bare(path: str) -> str:
    return path.removeprefix("data.")


def words_of(name: str) -> set[str]:
    """The words of *name* in small letters, however they are put together."""
    return {word.lower() for word in _WORDS.findall(name)}


def _is_personal_name(name: str) -> bool:
    together = "".join(_WORDS.findall(name)).lower()
    return not _PERSONAL_WORDS.isdisjoint(words_of(name)) or any(part in together for part in _PERSONAL_PARTS)


def looks_personal(value: Any) -> bool:
    """Whether *value* is, or holds, an address of mail or the net, a phone number, an account or a card."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    text = str(value)
    if isinstance(value, str) and (_EMAIL.search(text) or _PHONE.search(text) or _IBAN.search(text)):
        return True
    return any(_is_card(found.group()) for found in _CARD.finditer(text)) or _is_ip(text)


def _is_card(text: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_ip(text: str) -> bool:
    if text.isdigit() or not ("." in text or ":" in text):
        return False
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def masked(value: Any) -> Any:
    """The shape of *value*: at most its first letter is left of a text, and nothing of a number."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return MASK
    text = str(value)
    first = text[:1] if len(text) > 3 and text[:1].isalpha() else ""
    return f"{first}{MASK}@{MASK}" if "@" in text else f"{first}{MASK}"


def shown(value: Any, *, personal: bool) -> Any:
    """*value* as an example of its field: itself, or its shape if it is, or may hold, data of a person."""
    is_long = isinstance(value, str) and len(value) > LONG_CHARACTERS
    return masked(value) if personal or is_long or looks_personal(value) else value
