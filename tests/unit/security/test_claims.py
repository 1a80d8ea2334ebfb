"""What the claims of a token mean."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access import EVERYTHING, Limits, Scope
from shared.domain.access.claims import LEEWAY_S, ClaimNames, Expected, Identity, identity_of
from shared.domain.access.errors import UnauthenticatedError

NAMES = ClaimNames(departments="departments", kpis="kpis")
EXPECTED = Expected("https://id.example", "tidemark", 3600, NAMES)
NOW_S = 1_800_000_000

TEXTS = st.text(max_size=20)
JUNK = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.lists(TEXTS | st.integers())


def _claims(**changes: Any) -> dict[str, Any]:
    usual = {"iss": "https://id.example", "aud": "tidemark", "sub": "ada", "iat": NOW_S, "exp": NOW_S + 300}
    return usual | changes


def _found(claims: Mapping[str, Any], *, after_s: float = 0.0) -> Identity | None:
    try:
        return identity_of(claims, EXPECTED, now_s=NOW_S + after_s)
    except UnauthenticatedError:
        return None


@given(after_s=st.floats(-1e6, 1e6), begins_s=st.integers(-9000, 9000), lives_s=st.integers(-9000, 9000))
def test_when(after_s: float, begins_s: float, lives_s: float) -> None:
    """A token holds from its beginning to its end, a minute more at both sides, if it lives no hour."""
    claims = _claims(iat=NOW_S + begins_s, exp=NOW_S + begins_s + lives_s)
    found = _found(claims, after_s=after_s)
    holds = begins_s - LEEWAY_S <= after_s < begins_s + lives_s + LEEWAY_S and lives_s <= 3600

    assert (found is not None) is holds
    assert found is None or found.until_s == NOW_S + begins_s + lives_s + LEEWAY_S


@given(changes=st.dictionaries(st.sampled_from([*_claims(), "nbf", "scope", "departments", "kpis"]), JUNK))
def test_junk(changes: dict[str, Any]) -> None:
    """Whatever a token says, it is refused by name or means somebody; nobody limited is an admin."""
    found = _found(_claims() | changes)

    if found is not None:
        principal = found.principal
        assert principal.name.startswith("oidc:")
        assert principal.limits.is_everything or Scope.ADMIN not in principal.scopes


SCOPES = [
    ("none", {}, set()),
    ("text", {"scope": "openid  tidemark:read tidemark:write"}, {Scope.READ, Scope.WRITE}),
    ("list", {"scope": ["tidemark:annotate", "email"]}, {Scope.ANNOTATE}),
    ("bare", {"scope": "read write admin"}, set()),
    ("unknown", {"scope": "tidemark:all tidemark: tidemark:READ"}, set()),
    ("admin", {"scope": "tidemark:admin", "departments": "*"}, {Scope.ADMIN}),
    ("limited admin", {"scope": "tidemark:admin tidemark:read", "departments": ["a"]}, {Scope.READ}),
]


@pytest.mark.parametrize(("changes", "wanted"), [each[1:] for each in SCOPES], ids=[it[0] for it in SCOPES])
def test_scopes(changes: dict[str, Any], wanted: set[Scope]) -> None:
    """Scopes count with their prefix; without any nothing is allowed, and with limits never admin."""
    found = _found(_claims(**changes))

    assert found is not None
    assert found.principal.scopes == wanted


NOTHING = Limits(frozenset(), frozenset())
LIMITS = [
    ("none", {}, NOTHING),
    ("one", {"departments": "sales team"}, Limits(frozenset({"sales team"}), frozenset())),
    ("kpis", {"kpis": ["a", "b"]}, Limits(frozenset(), frozenset({"a", "b"}))),
    ("all", {"departments": ["*"]}, EVERYTHING),
    ("all by KPI", {"departments": ["sales"], "kpis": "*"}, EVERYTHING),
]


@pytest.mark.parametrize(("changes", "wanted"), [each[1:] for each in LIMITS], ids=[it[0] for it in LIMITS])
def test_limits(changes: dict[str, Any], wanted: Limits) -> None:
    """Where claims limit, a token without them sees nothing; a star is everything."""
    found = _found(_claims(**changes))

    assert found is not None
    assert found.principal.limits == wanted


def test_limits_not_asked_for() -> None:
    """Where no claim is named that limits, tokens limit nobody."""
    plain = Expected("https://id.example", "tidemark", 3600)
    found = identity_of(_claims(departments=["a"]), plain, now_s=NOW_S)

    assert found.principal.limits == EVERYTHING


@pytest.mark.parametrize("field", ["departments", "kpis"])
@pytest.mark.parametrize("found", [["a"] * 3 + [str(n) for n in range(200)], ["x" * 101], {"a": 1}, 7])
def test_limits_in_bounds(field: str, found: Any) -> None:
    """As many and as long as of a key; anything else is refused by the name of its claim."""
    with pytest.raises(UnauthenticatedError, match=field):
        identity_of(_claims(**{field: found}), EXPECTED, now_s=NOW_S)
