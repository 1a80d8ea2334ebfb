"""What an operator can change about the API."""

from typing import Annotated, Any

import httpx2
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.api.alerting.settings import AlertSettings
from shared.access.settings import AccessSettings


class ApiSettings(AccessSettings, AlertSettings):
    """Settings of the API, read from TIDEMARK_* variables."""

    api_port: int = Field(default=8080, ge=0, le=65535, description="port of the API; 0 is any")
    api_database_connections: int = Field(
        default=5, ge=1, le=50, description="connections kept open; five more may be opened under load"
    )
    api_streams_max: int = Field(
        default=500, ge=1, le=10_000, description="event streams served at a time; more get 503"
    )
    api_stream_poll_s: float = Field(
        default=0.25, ge=0.05, le=10, description="seconds between two looks for changed values"
    )
    api_stream_lifetime_s: float = Field(
        default=3600.0, ge=1, le=86_400, description="seconds after which a stream is ended with a goodbye"
    )
    api_values_topic: bool = Field(
        default=True, description="whether current values are published on tidemark.values"
    )
    api_values_topic_interval_s: float = Field(
        default=1.0, ge=0.05, le=3600, description="seconds between two looks for values to publish"
    )
    api_replay_records: int = Field(
        default=500_000,
        ge=1000,
        le=100_000_000,
        description="records of the log that one answer about what was known may take; more are refused",
    )
    compute_disorder_s: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="as compute has it: seconds events may overtake each other by",
    )
    compute_dedupe_horizon_h: float = Field(
        default=24.0,
        gt=0,
        le=24 * 31,
        description="as compute has it: hours within which an event counts once",
    )
    compute_series_per_measure: int = Field(
        default=10_000, ge=1, description="as compute has it: series of one measure before overflow"
    )
    compute_series_in_all: int = Field(
        default=100_000, ge=1, description="as compute has it: series in all before overflow"
    )
    api_metrics_open: bool = Field(
        default=False, description="tell /metrics, with the values of KPIs, to whoever can connect"
    )
    api_cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins of pages that may read answers in a browser, such as https://kpis.example.com,"
        " with commas between them; none",
    )
    api_rate_per_s: float = Field(
        default=100.0,
        ge=0,
        le=100_000,
        description="requests a second that each key or user may send to one process; 0: any number",
    )
    api_rate_burst: int = Field(
        default=200, ge=1, le=100_000, description="requests that each key or user may send at once"
    )

    @field_validator("api_cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("api_cors_origins")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if not _is_origin(origin)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no origin: write scheme, host and port as browsers send them")
        return value


def _is_origin(text: str) -> bool:
    """Whether *text* is an origin as a browser writes it (RFC 6454, section 6.2): no path, no wildcard."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    port = "" if url.port is None else f":{url.port}"
    is_exact = f"{url.scheme}://{url.host}{port}" == text
    return is_exact and url.scheme in {"http", "https"} and "*" not in text
