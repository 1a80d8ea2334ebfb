"""The rights a caller may have; none of them includes another."""

from enum import StrEnum


class Scope(StrEnum):
    """One right. A caller has those that it was given, and no others by having them."""

    READ = "read"
    """Definitions, values and alerts."""

    ANNOTATE = "annotate"
    """Comments and annotations."""

    WRITE = "write"
    """Definitions: new ones, changes, retirement."""

    ADMIN = "admin"
    """Keys and the audit log."""

    INGEST = "ingest"
    """Events over HTTP."""

    METRICS = "metrics"
    """/metrics, for Prometheus."""
