"""Whether what was counted is what was sent; a benchmark of wrong numbers measures nothing."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from benchmarks.backlogs import Backlog
from benchmarks.catalogues import CHECKED, ONE_WINDOW
from benchmarks.failures import WrongNumberError
from benchmarks.topics import held
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.domain.readings import Reading
from shared.runtime.clock import utc_now
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from shared.storage.ledger import Ledger, ledger
from shared.storage.readings import value


async def check_counted(engine: AsyncEngine, backlog: Backlog) -> None:
    """Hold the ledger and one sum of money against the generator's.

    Raises:
        WrongNumberError: they differ.
    """
    async with reading(engine) as connection:
        await check_ledger(connection, len(backlog))
        catalogue, now = await load_catalogue(connection), utc_now()
        found: Reading = await value(
            connection, catalogue, CHECKED, ONE_WINDOW[0], dimensions={}, at=backlog.newest, now=now
        )
    _same(f"{CHECKED} over {ONE_WINDOW[0]} at the newest event", backlog.revenue, found.value)
    _same(f"the number of events in {CHECKED}", backlog.orders.placed(), found.n)


async def check_ledger(connection: AsyncConnection, total: int) -> None:
    """Every event counted, once.

    Raises:
        WrongNumberError: it is not so.
    """
    _same("the ledger", Ledger(total, total, 0, 0), await ledger(connection))


async def check_clean_topic(kafka: str, total: int) -> None:
    """Every event forwarded, once, and no dead letter.

    Raises:
        WrongNumberError: it is not so.
    """
    _same(f"the number of records in {EVENTS}", total, await held(kafka, EVENTS))
    _same(f"the number of records in {DEAD_LETTERS}", 0, await held(kafka, DEAD_LETTERS))


def check_count(what: str, items: Sequence[object], expected: int) -> None:
    """*items* are as many as *expected*.

    Raises:
        WrongNumberError: they are not.
    """
    _same(what, expected, len(items))


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise WrongNumberError(what, expected=expected, found=found)
