"""What an operator can say about alerts; the API's settings are composed from this and other blocks."""

from typing import Annotated, Self

import httpx2
from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.api.channels.addresses import Network, parse_networks
from services.api.channels.signature import secret_bytes

URL_CHARACTERS = 2048
"""Longer addresses are refused by half of what lies on the way."""


def _networks(given: object) -> object:
    return parse_networks(given) if isinstance(given, str) else given


def _is_postable(address: str) -> bool:
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host) and not url.userinfo


class AlertSettings(BaseSettings):
    """How often rules are judged and where alerts go besides their topic."""

    model_config = SettingsConfigDict(
        env_prefix="TIDEMARK_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    alert_evaluation_interval_s: float = Field(
        default=5.0, ge=0.1, le=300, description="seconds between two evaluations of the alert rules"
    )
    alert_history_d: float = Field(
        default=400, gt=0, le=4000, description="days that transitions and delivered notices are kept"
    )
    alert_webhook_url: str | None = Field(
        default=None,
        max_length=URL_CHARACTERS,
        description="where alerts are posted, https, or http within the allowed networks; none: topic only",
    )
    alert_webhook_secret: SecretStr | None = Field(
        default=None, description="whsec_ and 24 to 64 random bytes in base64; signs what is posted"
    )
    alert_webhook_allow_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = (
        Field(default=(), description="comma separated CIDRs inside your network that may be posted to; none")
    )

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> Self:
        if self.alert_webhook_url is None:
            return self
        if not _is_postable(self.alert_webhook_url):
            raise ValueError("TIDEMARK_ALERT_WEBHOOK_URL is an http(s) address without a user in it")
        if self.alert_webhook_secret is None:
            raise ValueError("TIDEMARK_ALERT_WEBHOOK_URL needs TIDEMARK_ALERT_WEBHOOK_SECRET")
        secret_bytes(self.alert_webhook_secret.get_secret_value())
        return self
