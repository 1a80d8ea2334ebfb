"""What versions of definitions of every kind have in common in Postgres; it knows no table."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared.domain.errors import StopError


class UnreadableDefinitionError(StopError):
    """A stored definition was written by another release; run the release that wrote it, or a later one.

    Attributes:
        slug: the KPI, or the name of a definition of another kind.
    """

    def __init__(self, slug: str) -> None:
        super().__init__(f"the stored definition of {slug!r} cannot be read by this release")
        self.slug = slug


def fingerprint_of(spec: Mapping[str, Any]) -> str:
    """SHA-256 of *spec* as canonical JSON: what one version says, whatever it is called."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
