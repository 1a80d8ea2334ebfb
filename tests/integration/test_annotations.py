"""What people say about KPIs, through the real application on a real Postgres."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import text

from shared.domain.access import NOT_ASKED, Limits, Principal, Scope
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from tests.integration.api_rig import Api, serving_api
from tests.integration.callers import calling
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

T0 = "2026-01-31T09:00:00Z"


@dataclass
class Door:
    """The API, and whoever comes through."""

    api: Api
    client: httpx2.AsyncClient

    async def said(self, body: dict[str, Any], path: str = "/v1/annotations", **headers: str) -> Any:
        """What came of saying *body*."""
        answer = await self.client.post(path, json=body, headers=headers)
        return answer.raise_for_status().json()

    async def listed(self, path: str = "/v1/annotations") -> list[str]:
        """The texts of a list."""
        answer = await self.client.get(path)
        return [each["text"] for each in answer.raise_for_status().json()["items"]]

    async def problem(self, method: str, path: str, **request: Any) -> tuple[int, str | None]:
        """The status and the place of the first thing that is wrong."""
        answer = await self.client.request(method, path, **request)
        faults = answer.json()["errors"]
        return answer.status_code, (faults[0]["pointer"] or faults[0]["parameter"]) if faults else None


@pytest_asyncio.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """An API on departures and arrivals."""
    async with serving_api(database_url) as api:
        async with transaction(api.engine) as connection:
            await apply_changes(
                connection, [a_kpi("arrivals", windows=["1h"], department="airport")], utc_now()
            )
        await api.state.catalogue.renewed()
        async with api.client() as client:
            yield Door(api, client)


async def test_said_and_told(door: Door) -> None:
    """What is said of a KPI is told with all of it, by the KPI, in the list of all, and by its number."""
    said = await door.said(
        {
            "text": "  Release 4.2\nwith the new check-in ",
            "kind": "release",
            "start_at": "2026-01-31T10:00:00+01:00",
            "end_at": "2026-01-31T10:30:00+01:00",
            "window": "5m",
            "dimensions": {"carrier": "AA"},
            "link": "https://ci.example.com/42",
        },
        "/v1/kpis/departures/annotations",
    )
    by_kpi = (await door.client.get("/v1/kpis/departures/annotations")).json()
    by_number = await door.client.get(f"/v1/annotations/{said['annotation_id']}")

    assert by_kpi["items"] == [said] == [by_number.json()]
    assert (said["text"], said["kind"], said["kpis"]) == (
        "Release 4.2\nwith the new check-in",
        "release",
        ["departures"],
    )
    assert (said["start_at"], said["end_at"]) == (T0, "2026-01-31T09:30:00Z")
    assert (said["window"], said["dimensions"]) == ("5m", {"carrier": "AA"})
    assert (said["author"], said["version"], said["edited_at"]) == (NOT_ASKED.name, 1, None)


async def test_whom_it_concerns(door: Door) -> None:
    """What is about all KPIs is told of each, what is about some of these alone."""
    await door.said({"text": "of all", "start_at": T0})
    await door.said({"text": "of both", "kpis": ["departures", "arrivals"], "start_at": T0})
    await door.said({"text": "of one", "kpis": ["arrivals"], "start_at": T0})

    assert await door.listed("/v1/kpis/departures/annotations") == ["of both", "of all"]
    assert await door.listed("/v1/kpis/arrivals/annotations") == ["of one", "of both", "of all"]
    assert await door.listed("/v1/annotations?kpi=departures") == ["of both", "of all"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # | 09:00 moment  [09:10--09:20) campaign  09:30 moment
        ("", ["late", "while", "early"]),
        ("from=2026-01-31T09:00:00Z", ["late", "while", "early"]),
        ("from=2026-01-31T09:00:01Z", ["late", "while"]),
        ("from=2026-01-31T09:19:59Z", ["late", "while"]),
        ("from=2026-01-31T09:20:00Z", ["late"]),
        ("to=2026-01-31T09:30:00Z", ["while", "early"]),
        ("to=2026-01-31T09:10:00Z", ["early"]),
        ("kind=campaign", ["while"]),
        ("kind=campaign&kind=note", ["late", "while", "early"]),
        ("kind=incident", []),
    ],
)
async def test_when_it_was(door: Door, query: str, expected: list[str]) -> None:
    """A list has what touches [from, to): moments in it, and stretches that are not over before it."""
    await door.said({"text": "early", "start_at": T0})
    await door.said(
        {
            "text": "while",
            "kind": "campaign",
            "start_at": "2026-01-31T09:10:00Z",
            "end_at": "2026-01-31T09:20:00Z",
        }
    )
    await door.said({"text": "late", "start_at": "2026-01-31T09:30:00Z"})

    assert await door.listed(f"/v1/annotations?{query}") == expected


async def test_pages(door: Door) -> None:
    """Pages hold every annotation once, the newest first, also of those of one instant."""
    for number in range(5):
        await door.said({"text": str(number), "start_at": T0})
    seen, cursor = [], ""
    while cursor is not None:
        page = (await door.client.get(f"/v1/annotations?limit=2{cursor and f'&cursor={cursor}'}")).json()
        seen += [each["text"] for each in page["items"]]
        cursor = page["next_cursor"]

    assert seen == ["4", "3", "2", "1", "0"]


async def test_a_thread(door: Door) -> None:
    """Answers share what their thread is about, are listed by it and counted, and go with it."""
    root = await door.said({"text": "Why so few?", "kpis": ["departures"], "start_at": T0})
    number = root["annotation_id"]
    texts = ["Fog", "Since when?", "Since six"]
    answers = [await door.said({"text": each, "reply_to": number}) for each in texts]
    page = (await door.client.get(f"/v1/annotations/{number}/replies?limit=2")).json()
    rest = f"/v1/annotations/{number}/replies?cursor={page['next_cursor']}"
    after = await door.client.get(f"/v1/annotations/{number}")
    gone = await door.client.delete(f"/v1/annotations/{number}", headers={"If-Match": after.headers["etag"]})
    answer = await door.client.get(f"/v1/annotations/{answers[0]['annotation_id']}")

    assert [each["text"] for each in page["items"]] == texts[:2]
    assert (answers[0]["kpis"], answers[0]["start_at"], answers[0]["kind"]) == (["departures"], T0, "comment")
    assert after.json()["replies"] == 3
    assert (gone.status_code, answer.status_code) == (204, 404)
    assert await door.listed() == []
    assert (await door.client.get(rest)).status_code == 404


async def test_edited(door: Door) -> None:
    """An edit says what it has seen; what was seen before it is refused, and without that nothing is done."""
    said = await door.said({"text": "Fog", "kpis": ["departures"], "start_at": T0})
    path = f"/v1/annotations/{said['annotation_id']}"
    etag = (await door.client.get(path)).headers["etag"]
    anew = {"text": "Snow", "kpis": ["arrivals"], "start_at": T0, "kind": "incident"}
    blind = await door.client.put(path, json=anew)
    edited = await door.client.put(path, json=anew, headers={"If-Match": etag})
    late = await door.client.put(path, json={"text": "Rain"}, headers={"If-Match": etag})
    any_state = await door.client.delete(path, headers={"If-Match": "*"})

    assert (blind.status_code, late.status_code, any_state.status_code) == (428, 412, 412)
    body = edited.json()
    assert (body["text"], body["kind"], body["kpis"], body["version"]) == (
        "Snow",
        "incident",
        ["arrivals"],
        2,
    )
    assert body["edited_at"] is not None
    assert edited.headers["etag"] != etag
    assert await door.listed() == ["Snow"]


async def test_sent_twice(door: Door) -> None:
    """A request that is sent again under its key adds nothing; another one under that key is refused."""
    key = {"Idempotency-Key": "4711"}
    first = await door.said({"text": "Fog"}, **key)
    again = await door.said({"text": "Fog"}, **key)
    other = await door.problem("POST", "/v1/annotations", json={"text": "Snow"}, headers=key)

    assert again == first
    assert other[0] == 422
    assert await door.listed() == ["Fog"]


async def test_audited(door: Door) -> None:
    """Every change is in the audit log, with what was said before it."""
    said = await door.said({"text": "Fog", "start_at": T0})
    path = f"/v1/annotations/{said['annotation_id']}"
    for request in ({"method": "PUT", "json": {"text": "Snow"}}, {"method": "DELETE"}):
        etag = (await door.client.get(path)).headers["etag"]
        answer = await door.client.request(url=path, headers={"If-Match": etag}, **request)
        answer.raise_for_status()
    async with door.api.engine.connect() as connection:
        query = "SELECT action, actor, subject, detail::jsonb AS detail FROM audit WHERE action ^@ 'annot'"
        rows = (await connection.execute(text(f"{query} ORDER BY seq"))).all()

    assert [row.action for row in rows] == ["annotation.add", "annotation.change", "annotation.remove"]
    assert {(row.actor, row.subject) for row in rows} == {(NOT_ASKED.name, str(said["annotation_id"]))}
    assert [row.detail["text"] for row in rows] == ["Fog", "Snow", "Snow"]
    assert rows[1].detail["before"]["text"] == "Fog"


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"kind": "release"}, "/kind"),
        ({"start_at": T0}, "/start_at"),
        ({"window": "5m"}, "/window"),
        ({"kpis": ["arrivals"]}, "/reply_to"),
    ],
)
async def test_refused_answers(door: Door, more: dict[str, Any], pointer: str) -> None:
    """An answer says nothing of what its thread is about."""
    root = await door.said({"text": "x", "kpis": ["departures"]})
    body = {"text": "y", "reply_to": root["annotation_id"], **more}

    assert await door.problem("POST", "/v1/annotations", json=body) == (400, pointer)


async def test_answers_have_no_answers(door: Door) -> None:
    """Threads have one level: an answer is answered by answering its thread."""
    root = await door.said({"text": "x"})
    answer = await door.said({"text": "y", "reply_to": root["annotation_id"]})
    body = {"text": "z", "reply_to": answer["annotation_id"]}

    assert await door.problem("POST", "/v1/annotations", json=body) == (400, "/reply_to")
    assert (await door.problem("POST", "/v1/annotations", json={"text": "z", "reply_to": 9999}))[0] == 404


async def test_of_others(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who wrote it may change it, and admins."""
    rights = frozenset({Scope.READ, Scope.ANNOTATE})
    said = await door.said({"text": "Fog"})
    path = f"/v1/annotations/{said['annotation_id']}"
    headers = {"If-Match": (await door.client.get(path)).headers["etag"]}
    with calling(monkeypatch, Principal("key:other", rights)):
        refused = await door.client.put(path, json={"text": "Snow"}, headers=headers)
        kept = await door.client.delete(path, headers=headers)
    with calling(monkeypatch, Principal("key:admin", rights | {Scope.ADMIN})):
        deleted = await door.client.delete(path, headers=headers)

    assert (refused.status_code, kept.status_code, deleted.status_code) == (403, 403, 204)


async def test_what_is_hidden(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sees one KPI hears nothing of others: no annotation of theirs, and no name in a shared one."""
    hidden = await door.said({"text": "of arrivals", "kpis": ["arrivals"], "start_at": T0})
    await door.said({"text": "of both", "kpis": ["departures", "arrivals"], "start_at": T0})
    await door.said({"text": "of all", "start_at": T0})
    path = f"/v1/annotations/{hidden['annotation_id']}"
    limited = Principal("key:one", frozenset(Scope), Limits(kpis=frozenset({"departures"})))
    with calling(monkeypatch, limited):
        listed = (await door.client.get("/v1/annotations")).json()["items"]
        shown = [
            (await door.client.request(method, each)).status_code
            for method, each in [("GET", path), ("GET", f"{path}/replies"), ("DELETE", path)]
        ]
        of_all = await door.problem("POST", "/v1/annotations", json={"text": "of all"})
        answered = await door.problem(
            "POST", "/v1/annotations", json={"text": "x", "reply_to": hidden["annotation_id"]}
        )

    assert [(each["text"], each["kpis"]) for each in listed] == [
        ("of all", None),
        ("of both", ["departures"]),
    ]
    assert shown == [404, 404, 404]
    assert of_all == (400, "/kpis")
    assert answered[0] == 404


async def test_hidden_later(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may see less than before is not told that what it has still holds."""
    said = await door.said({"text": "Fog", "kpis": ["arrivals", "departures"]})
    path = f"/v1/annotations/{said['annotation_id']}"
    first = await door.client.get(path)
    limited = Principal("key:some", frozenset(Scope), Limits(kpis=frozenset({"arrivals"})))
    with calling(monkeypatch, limited):
        again = await door.client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.json()["kpis"]) == (200, ["arrivals"])


async def test_beside_a_history(door: Door) -> None:
    """A history tells, on request, what was said about its window and series between its ends."""
    end = utc_now().replace(microsecond=0)
    edges = {"from": (end - timedelta(hours=1)).isoformat(), "to": end.isoformat(), "step": "30m"}
    said: dict[str, dict[str, Any]] = {
        "too early": {"start_at": (end - timedelta(minutes=61)).isoformat()},
        "at the first": {"start_at": edges["from"]},
        "of AA": {"start_at": edges["from"], "dimensions": {"carrier": "AA"}},
        "of the total": {"start_at": edges["from"], "dimensions": {}, "window": "1h"},
        "of another window": {"start_at": edges["from"], "window": "5m"},
        "at the last": {"start_at": edges["to"]},
        "too late": {"start_at": (end + timedelta(seconds=1)).isoformat()},
    }
    for text_of, body in said.items():
        await door.said({"text": text_of, **body}, "/v1/kpis/departures/annotations")
    path = "/v1/kpis/departures/history"
    asked = {**edges, "window": "1h", "annotations": "true"}
    total = await door.client.get(path, params=asked)
    series = (await door.client.get(path, params={**asked, "carrier": "AA"})).json()
    plain = (await door.client.get(path, params={**asked, "annotations": "false"})).json()
    await door.said({"text": "new", "start_at": edges["to"]}, "/v1/kpis/departures/annotations")
    after = await door.client.get(path, params=asked, headers={"If-None-Match": total.headers["etag"]})

    told = [each["text"] for each in total.json()["annotations"]]
    assert told == ["at the last", "of the total", "at the first"]
    assert [each["text"] for each in series["annotations"]] == ["at the last", "of AA", "at the first"]
    assert plain["annotations"] is None
    assert after.status_code == 200


async def test_unchanged_lists(door: Door) -> None:
    """A list that the caller has is not sent again, until something is said."""
    await door.said({"text": "x"})
    first = await door.client.get("/v1/annotations")
    known = {"If-None-Match": first.headers["etag"]}
    again = await door.client.get("/v1/annotations", headers=known)
    await door.said({"text": "y", "start_at": (utc_now() + timedelta(days=9)).isoformat()})
    after = await door.client.get("/v1/annotations", headers=known)

    assert (again.status_code, after.status_code) == (304, 200)
