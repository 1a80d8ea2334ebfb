"""What an operator can change about the API."""

from pydantic import Field

from services.api.alerting.settings import AlertSettings
from shared.runtime.settings import CommonSettings


class ApiSettings(CommonSettings, AlertSettings):
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
