"""Where Kafka's own errors end: every wait has a deadline and leaves as one of our errors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.domain.errors import BrokerUnavailableError, FencedError


@contextlib.asynccontextmanager
async def broker_call(what: str, *, deadline_s: float) -> AsyncIterator[None]:
    """Give the block *deadline_s* seconds and turn whatever the client raises into our errors.

    Raises:
        FencedError: the partition belongs to another member of the group now.
        BrokerUnavailableError: Kafka did not answer in time, or refused; the outcome is unknown.
    """
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except (CommitFailedError, IllegalStateError) as error:
        raise FencedError(frozenset()) from error
    except TimeoutError as error:
        raise BrokerUnavailableError(f"{what}: no answer from Kafka within {deadline_s:g} s") from error
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(f"{what}: {error!r}") from error
