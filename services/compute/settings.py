"""What an operator can change about compute."""

from datetime import timedelta

from pydantic import Field

from shared.runtime.settings import CommonSettings


class ComputeSettings(CommonSettings):
    """Settings of compute, read from TIDEMARK_* variables."""

    compute_port: int = Field(
        default=8082, ge=0, le=65535, description="port of /healthz, /readyz and /metrics; 0 is any"
    )
    compute_group_id: str = Field(
        default="tidemark-compute", description="consumer group that shares the partitions"
    )
    compute_flush_interval_s: float = Field(
        default=0.1, gt=0, le=10, description="seconds between flushes while Postgres keeps up"
    )
    compute_flush_max_events: int = Field(
        default=40_000, ge=1, le=1_000_000, description="events counted by one transaction at most"
    )
    compute_dedupe_horizon_h: float = Field(
        default=24.0,
        gt=0,
        le=24 * 31,
        description="hours within which an event counts once, however often it comes",
    )
    compute_dedupe_ids_per_partition: int = Field(
        default=20_000_000,
        ge=1000,
        description="ids remembered for each partition at most, seen or retracted, 40 to 80 bytes each",
    )
    compute_series_per_measure: int = Field(
        default=10_000, ge=1, description="series of one measure before overflow"
    )
    compute_series_in_all: int = Field(default=100_000, ge=1, description="series in all before overflow")
    compute_refresh_interval_s: float = Field(
        default=0.5, gt=0, le=60, description="seconds between refreshes of kpi_current at least"
    )
    compute_disorder_s: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="seconds by which events may overtake each other in the watermark",
    )
    compute_stuck_after_s: float = Field(
        default=60.0,
        gt=0,
        description="seconds with lag and without progress after which the process gives up",
    )
    compute_session_timeout_s: float = Field(
        default=30.0,
        ge=1,
        le=1800,
        description="seconds after which Kafka gives a silent member's partitions away",
    )

    compute_selfcheck_interval_s: float = Field(
        default=30.0, gt=0, le=86_400, description="seconds between two values counted again from the log"
    )
    compute_selfcheck_records: int = Field(
        default=50_000, ge=1000, description="records of the log that one such check reads at most"
    )

    @property
    def dedupe_horizon(self) -> timedelta:
        """The horizon as a duration."""
        return timedelta(hours=self.compute_dedupe_horizon_h)
