"""What an operator may say about an issuer, and what ends the start."""

import pytest

from services.api.settings import ApiSettings
from services.ingest.settings import IngestSettings
from shared.access.oidc.addresses import is_safe, origin_of
from shared.access.oidc.settings import tokens_of
from shared.access.settings import AccessSettings
from shared.runtime.settings import settings_or_exit

GOOD = {"ISSUER": "https://id.example/realms/x", "AUDIENCE": "tidemark"}

BAD = [
    ("no audience", {"AUDIENCE": ""}, "TIDEMARK_OIDC_AUDIENCE: "),
    ("no issuer", {"ISSUER": ""}, "TIDEMARK_OIDC_AUDIENCE: "),
    ("plain http", {"ISSUER": "http://id.example"}, "TIDEMARK_OIDC_ISSUER: "),
    ("no address", {"ISSUER": "id.example"}, "TIDEMARK_OIDC_ISSUER: "),
    ("a query", {"ISSUER": "https://id.example?a=1"}, "TIDEMARK_OIDC_ISSUER: "),
    ("a password", {"ISSUER": "https://a:b@id.example"}, "TIDEMARK_OIDC_ISSUER: "),
    ("a path", {"JWKS_ORIGIN": "https://keys.example/"}, "TIDEMARK_OIDC_JWKS_ORIGIN: "),
    ("too long", {"LONGEST_S": "86401"}, "TIDEMARK_OIDC_LONGEST_S: "),
]


def _set(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    for name, value in (GOOD | changes).items():
        monkeypatch.setenv(f"TIDEMARK_OIDC_{name}", value)


@pytest.mark.parametrize("kind", [ApiSettings, IngestSettings])
@pytest.mark.parametrize(("changes", "told"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_refused(
    kind: type[AccessSettings], changes: dict[str, str], told: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An issuer that could not be trusted, or half of the settings, ends the start; the variable is named."""
    _set(monkeypatch, changes)
    with pytest.raises(SystemExit) as ended:
        settings_or_exit(kind)

    said = capsys.readouterr().err.splitlines()
    assert (ended.value.code, len(said)) == (2, 1)
    assert said[0].startswith(told)


def test_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both together are accepted, other origins of keys too; none of them, or empty ones, ask for nothing."""
    _set(monkeypatch, {"JWKS_ORIGIN": "https://keys.example:8443"})
    some = tokens_of(settings_or_exit(ApiSettings))
    _set(monkeypatch, {"ISSUER": "", "AUDIENCE": "", "JWKS_ORIGIN": "", "DEPARTMENTS_CLAIM": ""})
    none = settings_or_exit(ApiSettings)

    assert some is not None
    assert (tokens_of(none), none.oidc_departments_claim) == (None, None)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://id.example", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/", True),
        ("http://localhost:9/", True),
        ("http://localhost.evil.example/", False),
        ("http://10.0.0.1/", False),
        ("https://a@id.example/", False),
        ("https://id.example/#a", False),
        ("ftp://id.example/", False),
        ("https:///keys", False),
        ("https://id.example:99999/", False),
    ],
)
def test_safe(url: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """Encrypted, or on this machine; nothing hidden in it."""
    assert is_safe(url) is wanted


def test_origins() -> None:
    """An origin is scheme, host and port, and the usual port is none."""
    assert [origin_of(url) for url in ("https://A.example:443/x", "http://[::1]:8/y?z")] == [
        "https://a.example",
        "http://[::1]:8",
    ]
