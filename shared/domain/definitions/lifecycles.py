"""The stages in the life of a KPI; how it comes from one to the next is the business of plans."""

from enum import StrEnum


class Lifecycle(StrEnum):
    """How far a KPI has come. A file says the first three; to be retired is to be in no file any more."""

    DRAFT = "draft"
    """Kept with its versions, and judged by itself alone; nothing is counted, and it has no values."""

    ACTIVE = "active"
    """In force."""

    DEPRECATED = "deprecated"
    """In force, and not to be used for anything new."""
