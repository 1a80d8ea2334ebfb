"""Definitions in a real Postgres: versions, measures, the revision, and what may not be applied."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.definitions import (
    Action,
    Catalogue,
    Change,
    Definition,
    DefinitionError,
    EventType,
    Kind,
    Objective,
    Scorecard,
)
from shared.storage.definition_histories import retired_kpis, versions_of
from shared.storage.definitions import apply_changes, catalogue_revision, load_catalogue
from shared.storage.engine import open_engine, reading, transaction
from shared.storage.tables import document_versions, kpi_versions, measures
from tests.unit.domain.kpi_builders import a_kpi

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    opened = open_engine(database_url, application_name="tests")
    yield opened
    await opened.dispose()


async def applied(engine: AsyncEngine, *kpis: Definition, prune: bool = False) -> list[Change]:
    async with transaction(engine) as connection:
        return list(await apply_changes(connection, kpis, NOW, prune=prune))


async def in_force(engine: AsyncEngine) -> Catalogue:
    async with reading(engine) as connection:
        return await load_catalogue(connection)


@pytest.mark.asyncio
async def test_empty(engine: AsyncEngine) -> None:
    """A new database has an empty catalogue at revision 0."""
    assert await in_force(engine) == Catalogue(0, {}, {}, {})


@pytest.mark.asyncio
async def test_apply_and_load(engine: AsyncEngine) -> None:
    """What was applied is loaded again as it was, with a number for every measure."""
    orders = a_kpi(breakdowns=["country"], target={"value": "0.10"}, where="data.x == 1")
    share = a_kpi("share", formula="orders / 2", breakdowns=["country"])

    await applied(engine, orders, share)
    catalogue = await in_force(engine)

    assert catalogue.kpis == {"orders": orders, "share": share}
    assert catalogue.versions == {"orders": 1, "share": 1}
    assert catalogue.measure_ids.keys() == {measure.fingerprint for measure in orders.measures()}
    assert catalogue.revision == 1


@pytest.mark.asyncio
async def test_apply_again(engine: AsyncEngine) -> None:
    """Applying the same definitions again changes nothing, not even the revision."""
    await applied(engine, a_kpi())

    (change,) = await applied(engine, a_kpi())

    assert (change.action, change.version) == (Action.UNCHANGED, 1)
    assert (await in_force(engine)).revision == 1


@pytest.mark.asyncio
async def test_update(engine: AsyncEngine) -> None:
    """A changed definition is a new version; the old one stays, and the same measure keeps its number."""
    await applied(engine, a_kpi())
    before = await in_force(engine)

    (change,) = await applied(engine, a_kpi(title="Paid orders"))
    after = await in_force(engine)

    assert (change.action, change.version) == (Action.UPDATE, 2)
    assert after.versions == {"orders": 2}
    assert after.revision == before.revision + 1
    assert after.measure_ids == before.measure_ids
    async with reading(engine) as connection:
        assert (await connection.execute(select(func.count()).select_from(kpi_versions))).scalar_one() == 2


@pytest.mark.asyncio
async def test_retire_and_return(engine: AsyncEngine) -> None:
    """A retired KPI is out of the catalogue; when it comes back, its versions go on."""
    await applied(engine, a_kpi(), a_kpi("other", where="data.x == 1"))
    await applied(engine, a_kpi("other", where="data.x == 1"), prune=True)
    retired = await in_force(engine)

    (change,) = await applied(engine, a_kpi(title="Back"))

    assert retired.kpis.keys() == {"other"}
    assert (change.action, change.version) == (Action.CREATE, 2)
    assert (await in_force(engine)).versions == {"orders": 2, "other": 1}


@pytest.mark.asyncio
async def test_shared_measure(engine: AsyncEngine) -> None:
    """KPIs with the same measure share one row."""
    await applied(engine, a_kpi("a", where="data.x in ['p']"), a_kpi("b", where="(data.x in ('p',))"))

    async with reading(engine) as connection:
        rows = (await connection.execute(select(measures))).all()
    assert [(row.event_type, row.filter, row.value, row.breakdown) for row in rows] == [
        ("order.paid", "data.x in ('p',)", None, [])
    ]


@pytest.mark.asyncio
async def test_whole_catalogue_is_judged(engine: AsyncEngine) -> None:
    """Nothing is applied that would break what is in force: here a formula would lose its operand."""
    await applied(engine, a_kpi(), a_kpi("share", formula="orders / 2"))

    with pytest.raises(DefinitionError, match="there is no KPI 'orders'"):
        await applied(engine, a_kpi("share", formula="orders / 2"), prune=True)

    assert (await in_force(engine)).kpis.keys() == {"orders", "share"}


@pytest.mark.asyncio
async def test_formula_over_what_is_in_force(engine: AsyncEngine) -> None:
    """A formula may read a KPI that was applied before."""
    await applied(engine, a_kpi())

    (change,) = await applied(engine, a_kpi("share", formula="orders / 2"))

    assert change.action is Action.CREATE


@pytest.mark.asyncio
async def test_two_at_once(engine: AsyncEngine) -> None:
    """Two who apply at the same time take turns: the second sees what the first has done."""
    first, second = await asyncio.gather(applied(engine, a_kpi()), applied(engine, a_kpi()))

    assert {Action.CREATE, Action.UNCHANGED} == {first[0].action, second[0].action}


@pytest.mark.asyncio
async def test_caller_commits(engine: AsyncEngine) -> None:
    """What the caller rolls back has not happened."""
    async with engine.connect() as connection:
        await apply_changes(connection, [a_kpi()], NOW)
        await connection.rollback()

    async with reading(engine) as connection:
        assert await catalogue_revision(connection) == 0


GROW = Objective.model_validate({"slug": "grow", "title": "Grow", "owner": "me", "weight": "0.5"})
BOARD = Scorecard.model_validate(
    {"slug": "grow", "title": "Board", "owner": "me", "kpis": [{"kpi": "orders", "window": "5m"}]}
)
PAID = EventType.model_validate(
    {"type": "order.paid", "owner": "me", "schema": {"type": "object", "properties": {"x": {"minimum": 0.5}}}}
)


@pytest.mark.asyncio
async def test_every_kind(engine: AsyncEngine) -> None:
    """Definitions of every kind are applied by one revision and loaded as they were, also under one name."""
    changes = await applied(engine, GROW, BOARD, PAID, a_kpi())
    catalogue = await in_force(engine)

    assert {(change.action, change.version) for change in changes} == {(Action.CREATE, 1)}
    assert catalogue.definitions.by_key() == {
        (Kind.KPI, "orders"): a_kpi(),
        (Kind.OBJECTIVE, "grow"): GROW,
        (Kind.SCORECARD, "grow"): BOARD,
        (Kind.EVENT_TYPE, "order.paid"): PAID,
    }
    assert catalogue.revision == 1


@pytest.mark.asyncio
async def test_versions_of_every_kind(engine: AsyncEngine) -> None:
    """Objectives have immutable versions as KPIs do, which go on when one comes back."""
    await applied(engine, GROW)
    (again,) = await applied(engine, GROW)
    (renamed,) = await applied(engine, GROW.model_copy(update={"title": "Thrive"}))
    (gone,) = await applied(engine, prune=True)
    (back,) = await applied(engine, GROW)

    told = [(change.action, change.version) for change in (again, renamed, gone, back)]
    assert told == [(Action.UNCHANGED, 1), (Action.UPDATE, 2), (Action.RETIRE, 2), (Action.CREATE, 3)]
    assert (await in_force(engine)).version_of((Kind.OBJECTIVE, "grow")) == 3
    assert (await in_force(engine)).revision == 4
    async with reading(engine) as connection:
        query = select(document_versions.c.version, document_versions.c.spec["title"].as_string())
        rows = (await connection.execute(query.order_by(document_versions.c.version))).all()
    assert [tuple(row) for row in rows] == [(1, "Grow"), (2, "Thrive"), (3, "Grow")]


@pytest.mark.asyncio
async def test_kinds_are_judged_together(engine: AsyncEngine) -> None:
    """A KPI that a scorecard needs is not pruned, and nothing of that change is written."""
    await applied(engine, a_kpi(), BOARD)

    with pytest.raises(DefinitionError, match="there is no KPI 'orders'"):
        await applied(engine, BOARD, GROW, prune=True)

    catalogue = await in_force(engine)
    assert (catalogue.revision, list(catalogue.kpis), len(catalogue.objectives)) == (1, ["orders"], 0)


@pytest.mark.asyncio
async def test_other_kinds_count_nothing(engine: AsyncEngine) -> None:
    """A change of a scorecard leaves every measure its number."""
    await applied(engine, a_kpi(), BOARD)
    before = await in_force(engine)
    await applied(engine, BOARD.model_copy(update={"title": "Ours"}))

    assert (await in_force(engine)).measure_ids == before.measure_ids


@pytest.mark.asyncio
async def test_drafts(engine: AsyncEngine) -> None:
    """A draft is kept with its version and not counted; activated it is, and taken back no more."""
    (drafted,) = await applied(engine, a_kpi(status="draft"))
    as_draft = await in_force(engine)
    (activated,) = await applied(engine, a_kpi())
    active = await in_force(engine)
    await applied(engine, a_kpi(status="draft"))
    again = await in_force(engine)

    assert (drafted.version, activated.version) == (1, 2)
    assert (as_draft.kpis, as_draft.versions, as_draft.measure_ids) == ({}, {}, {})
    assert as_draft.drafts == {"orders": a_kpi(status="draft")}
    assert as_draft.version_of((Kind.KPI, "orders")) == 1
    assert (active.drafts, active.versions, len(active.measure_ids)) == ({}, {"orders": 2}, 1)
    assert (again.kpis, again.version_of((Kind.KPI, "orders"))) == ({}, 3)
    async with reading(engine) as connection:
        rows = (await connection.execute(select(measures.c.fingerprint))).scalars().all()
    assert ["#" in fingerprint for fingerprint in rows] == [True]


@pytest.mark.asyncio
async def test_histories(engine: AsyncEngine) -> None:
    """Every version can be read back, also of what was retired, which is listed with when."""
    await applied(engine, a_kpi(), BOARD)
    await applied(engine, a_kpi(title="Paid orders"))
    await applied(engine, prune=True)

    async with reading(engine) as connection:
        (retired,) = await retired_kpis(connection)
        told = await versions_of(connection, (Kind.KPI, "orders"))
        board = await versions_of(connection, (Kind.SCORECARD, "grow"))
        nothing = await versions_of(connection, (Kind.OBJECTIVE, "grow"))

    assert (retired.kpi.title, retired.version, retired.retired_at) == ("Paid orders", 2, NOW)
    assert told is not None
    assert [(each.version, each.spec["title"], each.created_at) for each in told.versions] == [
        (1, "Orders", NOW),
        (2, "Paid orders", NOW),
    ]
    assert (told.retired_at, told.newest) == (NOW, retired.kpi)
    assert board is not None
    assert (len(board.versions), board.newest, board.retired_at) == (1, BOARD, NOW)
    assert nothing is None
