"""Every KPI a second time, by brute force over the raw event log, sharing no code with the product."""

from tests.oracle.answers import Value
from tests.oracle.events import Record
from tests.oracle.oracle import Oracle

__all__ = ["Oracle", "Record", "Value"]
