"""What an operator can say about who is let in; services that let people in compose it."""

from pydantic import Field, ValidationInfo, field_validator

from shared.access.loopback import is_loopback
from shared.access.oidc.settings import OidcSettings


class AccessSettings(OidcSettings):
    """Who is let in, read from TIDEMARK_* variables."""

    insecure_local: bool = Field(
        default=False,
        validate_default=True,
        description="ask nobody for a key; only with TIDEMARK_HTTP_HOST on this machine's loopback",
    )

    @field_validator("insecure_local")
    @classmethod
    def _only_here(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - a validator's shape
        if value and not is_loopback(info.data.get("http_host")):
            raise ValueError(
                "others can connect: keys may be left out only where TIDEMARK_HTTP_HOST is 127.0.0.1,"
                " ::1 or localhost"
            )
        return value
