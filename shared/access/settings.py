"""What an operator can say about who is let in; services that let people in compose it."""

import ipaddress
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from shared.runtime.settings import CommonSettings


class AccessSettings(CommonSettings):
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


def is_loopback(host: Any) -> bool:
    """Whether only this machine can reach *host*; names other than localhost may be anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False
