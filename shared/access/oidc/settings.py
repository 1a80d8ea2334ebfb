"""What an operator can say about the issuer of access tokens."""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from shared.access.oidc.addresses import is_safe, origin_of
from shared.access.oidc.issuers import Issuer
from shared.access.oidc.key_caches import KeyCache
from shared.access.oidc.tokens import Tokens
from shared.domain.access.claims import ClaimNames, Expected
from shared.runtime.settings import CommonSettings


class OidcSettings(CommonSettings):
    """Whose access tokens are accepted beside keys, read from TIDEMARK_* variables."""

    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID issuer whose access tokens are accepted, as they name it in iss; none",
    )
    oidc_audience: str | None = Field(
        default=None, validate_default=True, description="what these tokens have to name in aud"
    )
    oidc_jwks_origin: str | None = Field(
        default=None,
        description="origin of the issuer's keys, such as https://keys.example.com; that of the issuer",
    )
    oidc_longest_s: int = Field(
        default=3600, ge=60, le=86_400, description="seconds that a token may live at most, by exp and iat"
    )
    oidc_scopes_claim: str = Field(
        default="scope", min_length=1, description="claim with the scopes, a list or a text with spaces"
    )
    oidc_scope_prefix: str = Field(
        default="tidemark:", description="what the scopes of Tidemark begin with in that claim"
    )
    oidc_departments_claim: str | None = Field(
        default=None,
        min_length=1,
        description="claim with the departments that the caller is limited to; none: tokens limit nobody",
    )
    oidc_kpis_claim: str | None = Field(
        default=None, min_length=1, description="claim with the KPIs that the caller is limited to"
    )

    @field_validator(
        "oidc_issuer", "oidc_audience", "oidc_jwks_origin", "oidc_departments_claim", "oidc_kpis_claim",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        # Compose files hand on variables that are not set as empty ones.
        return None if value == "" else value

    @field_validator("oidc_issuer")
    @classmethod
    def _provable(cls, value: str | None) -> str | None:
        if value is not None and (not is_safe(value) or "?" in value):
            raise ValueError("write an https:// address without ? and #; http:// is for loopback only")
        return value

    @field_validator("oidc_jwks_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and (not is_safe(value) or origin_of(value) != value):
            raise ValueError("write scheme, host and port alone, such as https://keys.example.com")
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _both(cls, value: str | None, info: ValidationInfo) -> str | None:
        # An issuer that was refused is not there, and has been told already.
        if "oidc_issuer" in info.data and bool(info.data["oidc_issuer"]) is not bool(value):
            raise ValueError("TIDEMARK_OIDC_ISSUER and TIDEMARK_OIDC_AUDIENCE belong together: set both")
        return value


def tokens_of(settings: OidcSettings) -> Tokens | None:
    """What proves the tokens that *settings* accept; None where they accept none."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    names = ClaimNames(
        scopes=settings.oidc_scopes_claim,
        scope_prefix=settings.oidc_scope_prefix,
        departments=settings.oidc_departments_claim,
        kpis=settings.oidc_kpis_claim,
    )
    issuer = Issuer(settings.oidc_issuer, jwks_origin=settings.oidc_jwks_origin)
    expected = Expected(settings.oidc_issuer, settings.oidc_audience, settings.oidc_longest_s, names)
    return Tokens(KeyCache(issuer), expected)
