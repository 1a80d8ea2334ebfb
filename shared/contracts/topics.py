"""The names of Tidemark's topics and what their records are labelled with."""

EVENTS = "tidemark.events"
"""Clean events, one structured CloudEvent a record, keyed and placed by the identity of the event."""

DEAD_LETTERS = "tidemark.deadletter"
"""What could not be used, as it arrived, with the reason in its headers."""

ALERTS = "tidemark.alerts"
"""Transitions of alerts."""

OBSERVATIONS = "tidemark.observations"
"""What ingest has seen of each event type, a summary every other second; for people, not for counting."""

VALUES = "tidemark.values"
"""Current values, compacted: the last record of a key is its value."""

EVENT_TYPES = "tidemark.event-types"
"""What is declared of event types, the newest of each: written when the catalogue changes, read by ingest."""

DEFAULT_SOURCE = "business.events"
"""Where applications publish unless told otherwise."""

OWN = frozenset({EVENTS, DEAD_LETTERS, ALERTS, OBSERVATIONS, VALUES, EVENT_TYPES})
"""Topics that Tidemark writes and must not take as a source."""
