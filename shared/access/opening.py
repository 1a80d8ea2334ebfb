"""Which door a service has, by its settings."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.access.doors import Door, LockedDoor, OpenDoor
from shared.access.keyring import Keyring
from shared.access.oidc.settings import tokens_of
from shared.access.settings import AccessSettings

log = structlog.get_logger(__name__)


def door_on(engine: AsyncEngine, settings: AccessSettings) -> Door:
    """The door that *settings* ask for, with the keys of the database of *engine*; connects to nothing."""
    if settings.insecure_local:
        log.warning("no_keys_asked", remedy="unset TIDEMARK_INSECURE_LOCAL where others can connect")
        return OpenDoor()
    return LockedDoor(Keyring(engine), tokens_of(settings))
