"""The names that KPIs are grouped by, over HTTP."""

import pytest

from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

CATALOGUE = [
    a_kpi("cancellations", owner="ops@example.com", department=["ops", "sales"], tags=["board", "eu261"]),
    a_kpi("delays", owner="ops@example.com", status="deprecated"),
    a_kpi("revenue", owner="Zoë", category="financial", department="sales", tags=["board"]),
]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("departments", {"ops": 1, "sales": 2}),
        ("categories", {"financial": 1, "operational": 2}),
        ("owners", {"Zoë": 1, "ops@example.com": 2}),
        ("tags", {"board": 2, "eu261": 1}),
    ],
)
async def test_counts(path: str, counts: dict[str, int]) -> None:
    """Each name of KPIs in force is told once, in order, with as many as the list filtered by it has."""
    async with a_client(Memory(), *CATALOGUE) as client:
        body = (await client.get(f"/v1/{path}")).json()
        singular = {"categories": "category"}.get(path, path.removesuffix("s"))
        listed = {
            name: len((await client.get("/v1/kpis", params={singular: name})).json()["items"])
            for name in counts
        }

    assert [(each["name"], each["kpis"]) for each in body["items"]] == list(counts.items())
    assert listed == counts


async def test_pages() -> None:
    """A cursor goes on after the last name of the page before, and a foreign one is refused."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = (await client.get("/v1/departments?limit=1")).json()
        second = (await client.get(f"/v1/departments?limit=1&cursor={first['next_cursor']}")).json()
        foreign = await client.get("/v1/departments?cursor=00")

    assert [each["name"] for each in (*first["items"], *second["items"])] == ["ops", "sales"]
    assert second["next_cursor"] is None
    assert (foreign.status_code, foreign.json()["errors"][0]["parameter"]) == (400, "cursor")


async def test_not_modified() -> None:
    """What has not changed is not sent again."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = await client.get("/v1/tags")
        again = await client.get("/v1/tags", headers={"If-None-Match": first.headers["etag"]})
        other = await client.get("/v1/tags?limit=1", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)
