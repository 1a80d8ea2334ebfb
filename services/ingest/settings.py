"""What an operator can change about ingest."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.access.settings import AccessSettings
from shared.contracts.topics import DEFAULT_SOURCE, OWN


class IngestSettings(AccessSettings):
    """Settings of ingest, read from TIDEMARK_* variables."""

    ingest_port: int = Field(
        default=8081,
        ge=0,
        le=65535,
        description="port of POST /v1/events, /healthz, /readyz and /metrics; 0 is any",
    )
    ingest_source_topics: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(DEFAULT_SOURCE,), description="source topics, with commas between them"
    )
    ingest_sources_file: Path | None = Field(
        default=None, description="YAML file with further source topics and mappings for plain JSON"
    )
    ingest_create_source_topics: bool = Field(
        default=False, description="make source topics that do not exist"
    )
    ingest_group_id: str = Field(default="tidemark-ingest", description="consumer group that shares the work")
    ingest_batch_records: int = Field(
        default=5_000, ge=1, le=100_000, description="records forwarded and committed together at most"
    )
    ingest_session_timeout_s: float = Field(
        default=30.0,
        ge=6,
        le=1800,
        description="seconds after which a silent member's partitions are given away",
    )
    ingest_stuck_after_s: float = Field(
        default=60.0,
        gt=0,
        description="seconds with lag and without progress after which the process gives up",
    )
    ingest_events_retention_d: int = Field(
        default=400, ge=1, le=10_000, description="days tidemark.events keeps records, when it is made"
    )

    @field_validator("ingest_source_topics", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("ingest_source_topics")
    @classmethod
    def _not_ours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one source topic is needed")
        ours = OWN.intersection(value)
        if ours:
            raise ValueError(f"{', '.join(sorted(ours))} is written by Tidemark and cannot be a source")
        return value
