"""The keys of an issuer, from its JSON Web Key Set (RFC 7517); it asks nobody for one."""

from collections.abc import Mapping
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

MOST_KEYS = 50
"""Issuers have two or three keys, one for each that is being rotated."""

SHORTEST_BITS, LONGEST_BITS = 2048, 8192
"""RSA: RFC 7518, section 3.3 asks for 2048; a far longer one only makes each proof slow."""

ALGORITHMS = ("RS256", "ES256")
"""Nothing else proves a token: neither `none` nor a secret that is shared (RFC 8725, section 3.1)."""

KeyName = tuple[str, str]
"""A key by its id and the one algorithm it is for."""

Keys = Mapping[KeyName, PyJWK]


class BadKeySetError(ValueError):
    """What the issuer has sent is no set of keys."""


def keys_of(document: Mapping[str, Any]) -> Keys:
    """The keys of *document* that prove tokens; those for other purposes are left out.

    Raises:
        BadKeySetError: it is no set, or one with too many keys.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise BadKeySetError(f"keys is no list of at most {MOST_KEYS} keys")
    found: dict[KeyName, PyJWK] = {}
    for each in listed:
        key = _key_of(each) if isinstance(each, dict) else None
        if key is not None:
            found.setdefault((each["kid"], key.algorithm_name), key)
    return found


def _key_of(fields: Mapping[str, Any]) -> PyJWK | None:
    if not isinstance(fields.get("kid"), str) or not _proves(fields):
        return None
    # The public numbers alone: a private key that an issuer shows by mistake is not held here.
    match fields:
        case {"kty": "RSA", "n": str(n), "e": str(e)}:
            numbers, algorithm = {"kty": "RSA", "n": n, "e": e}, "RS256"
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            numbers, algorithm = {"kty": "EC", "crv": "P-256", "x": x, "y": y}, "ES256"
        case _:
            return None
    if fields.get("alg", algorithm) != algorithm:
        return None
    try:
        key = PyJWK(numbers, algorithm=algorithm)
    except (PyJWTError, ValueError):
        return None
    is_long_enough = algorithm == "ES256" or SHORTEST_BITS <= key.key.key_size <= LONGEST_BITS
    return key if is_long_enough else None


def _proves(fields: Mapping[str, Any]) -> bool:
    """Whether the key is for signatures, as far as it says."""
    operations = fields.get("key_ops", ["verify"])
    return fields.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
