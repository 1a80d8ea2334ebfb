"""Who an access token speaks for, by its claims; that its issuer has signed them was proved before.

The rules are those of OpenID Connect Core 1.0, section 3.1.3.7 and RFC 9068, section 4; what else is required
here (`iat`, and a longest life) bounds how long a token that cannot be taken back is of use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.access.errors import UnauthenticatedError
from shared.domain.access.keys import MOST_LISTED, NAME_CHARACTERS
from shared.domain.access.limits import EVERYTHING, Limits
from shared.domain.access.principals import Principal
from shared.domain.access.scopes import Scope

LEEWAY_S = 60
"""How far the clocks of an issuer and of this machine may differ."""

EVERY = "*"
"""In a list of departments or KPIs: all there are."""

SUBJECT_CHARACTERS = 255
"""OpenID Connect Core 1.0, section 2: a subject is not longer."""

_LATEST_S = 253_402_300_799
"""The end of the year 9999: what lies beyond is no time."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims say what a token allows.

    Attributes:
        scopes: a list, or a text with spaces between its words.
        scope_prefix: what the scopes of Tidemark begin with there; all others mean something else.
        departments: to which departments the caller is limited; None: tokens do not say.
        kpis: to which KPIs; None: tokens do not say.
    """

    scopes: str = "scope"
    scope_prefix: str = "tidemark:"
    departments: str | None = None
    kpis: str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What every token has to say.

    Attributes:
        issuer: who has made it, to the letter.
        audience: for whom.
        longest_s: how long it may live in all.
    """

    issuer: str
    audience: str
    longest_s: int
    names: ClaimNames = ClaimNames()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody an issuer vouches for.

    Attributes:
        until_s: from this time on (seconds since 1970) no longer, the leeway included.
    """

    principal: Principal
    until_s: float


def identity_of(claims: Mapping[str, Any], expected: Expected, *, now_s: float) -> Identity:
    """Who a token with these *claims* speaks for at *now_s* (seconds since 1970).

    Raises:
        UnauthenticatedError: nobody; the message names the claim.
    """
    if claims.get("iss") != expected.issuer:
        raise UnauthenticatedError("the token is of another issuer (iss)")
    if expected.audience not in _listed(claims, "aud"):
        raise UnauthenticatedError("the token is for another audience (aud)")
    until_s = _until_s(claims, expected, now_s=now_s)
    limits = _limits(claims, expected.names)
    principal = Principal(f"oidc:{_subject(claims)}", _scopes(claims, expected.names, limits), limits)
    return Identity(principal, until_s)


def _until_s(claims: Mapping[str, Any], expected: Expected, *, now_s: float) -> float:
    issued_s, expires_s = _time_s(claims, "iat"), _time_s(claims, "exp")
    starts_s = _time_s(claims, "nbf") if "nbf" in claims else issued_s
    if expires_s - issued_s > expected.longest_s:
        raise UnauthenticatedError(f"the token lives longer than {expected.longest_s} s (exp, iat)")
    if max(issued_s, starts_s) > now_s + LEEWAY_S:
        raise UnauthenticatedError("the token is not valid yet (nbf, iat)")
    if now_s >= expires_s + LEEWAY_S:
        raise UnauthenticatedError("the token has expired (exp)")
    return expires_s + LEEWAY_S


def _time_s(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= _LATEST_S:
        raise UnauthenticatedError(f"the token needs {name}, in seconds since 1970")
    return float(found)


def _subject(claims: Mapping[str, Any]) -> str:
    found = claims.get("sub")
    if not isinstance(found, str) or not 0 < len(found) <= SUBJECT_CHARACTERS or not found.isprintable():
        raise UnauthenticatedError(f"the token needs sub, of 1 to {SUBJECT_CHARACTERS} printable characters")
    return found


def _scopes(claims: Mapping[str, Any], names: ClaimNames, limits: Limits) -> frozenset[Scope]:
    """What the token allows; never `admin` together with limits, as with keys."""
    found = claims.get(names.scopes)
    words = found.split() if isinstance(found, str) else _listed(claims, names.scopes)
    own = {word.removeprefix(names.scope_prefix) for word in words if word.startswith(names.scope_prefix)}
    scopes = frozenset(scope for scope in Scope if scope.value in own)
    return scopes if limits.is_everything else scopes - {Scope.ADMIN}


def _limits(claims: Mapping[str, Any], names: ClaimNames) -> Limits:
    """What the token lets see. A claim that is asked for and is not there lets see nothing."""
    departments, kpis = _seen(claims, names.departments), _seen(claims, names.kpis)
    if EVERY in (departments or ()) or EVERY in (kpis or ()):
        return EVERYTHING
    return Limits(departments, kpis)


def _seen(claims: Mapping[str, Any], name: str | None) -> frozenset[str] | None:
    if name is None:
        return None
    found = frozenset(_listed(claims, name))
    if len(found) > MOST_LISTED or any(len(each) > NAME_CHARACTERS for each in found):
        raise UnauthenticatedError(
            f"the token may name {MOST_LISTED} in {name}, of {NAME_CHARACTERS} characters each"
        )
    return found


def _listed(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A claim that is one text or a list of texts; empty where there is none."""
    found = claims.get(name, ())
    texts = (found,) if isinstance(found, str) else found
    if not isinstance(texts, (list, tuple)) or not all(isinstance(each, str) for each in texts):
        raise UnauthenticatedError(f"the token's {name} has to be a text or a list of texts")
    return tuple(texts)
