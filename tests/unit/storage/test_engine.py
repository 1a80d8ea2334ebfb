"""Which failures of the driver pass and which are ours."""

import asyncpg
import pytest

from shared.domain.errors import StoreUnavailableError
from shared.storage.engine import driver_errors


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.IdleInTransactionSessionTimeoutError("idle"),
        asyncpg.TooManyConnectionsError("too many"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_passing(failure: Exception) -> None:
    """What another connection may do better is to be tried again."""
    with pytest.raises(StoreUnavailableError), driver_errors():
        raise failure


@pytest.mark.parametrize(
    "fault",
    [asyncpg.CardinalityViolationError("twice"), asyncpg.CheckViolationError("ledger"), KeyError("ours")],
    ids=lambda fault: type(fault).__name__,
)
def test_ours(fault: Exception) -> None:
    """What would fail again stays what it is, and ends the process."""
    with pytest.raises(type(fault)), driver_errors():
        raise fault
