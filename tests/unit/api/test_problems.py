"""What goes wrong, over HTTP, and the edge around every answer."""

from typing import Any

import httpx2
import pytest
from prometheus_client import generate_latest

from services.api.app import create_app
from tests.unit.api.builders import Memory, a_client, a_kpi, a_state

pytestmark = pytest.mark.asyncio


async def _answer(path: str, memory: Memory | None = None, **request: Any) -> httpx2.Response:
    async with a_client(memory or Memory()) as client:
        return await client.request(request.pop("method", "GET"), path, **request)


@pytest.mark.parametrize(
    ("path", "request_", "status", "slug"),
    [
        ("/nowhere", {}, 404, "not-found"),
        ("/v1/kpis/", {}, 404, "not-found"),
        ("/v1/kpis/nothing", {}, 404, "unknown-kpi"),
        ("/v1/kpis/nothing/value", {}, 404, "unknown-kpi"),
        ("/v1/stream?kpi=nothing", {}, 404, "unknown-kpi"),
        ("/v1/alerts", {"method": "POST"}, 405, "method-not-allowed"),
        ("/v1/kpis", {"headers": {"Content-Length": str(1024 * 1024 + 1)}}, 413, "body-too-large"),
        ("/v1/kpis?owner=" + "x" * 2040, {}, 414, "url-too-long"),
        ("/v1/alerts?state=burning", {}, 400, "invalid-parameter"),
    ],
    ids=str,
)
async def test_kinds(path: str, request_: dict[str, Any], status: int, slug: str) -> None:
    """Every failure is a problem of its own kind, with the request it belongs to."""
    answer = await _answer(path, **request_)
    body = answer.json()

    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:tidemark:problem:{slug}"
    assert body["instance"] == path.partition("?")[0]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert set(body) == {"type", "title", "status", "detail", "instance", "request_id", "errors"}


@pytest.mark.parametrize(
    ("path", "media", "body"),
    [
        ("/v1/kpis", "application/json", r'{"slug": "\ud800"}'),
        ("/v1/kpis", "application/json", r'{"slug": "x", "\ud800": 1}'),
        ("/v1/kpis", "application/yaml", r'{apiVersion: tidemark/v1, kind: KPI, slug: "\ud800"}'),
        ("/v1/event-types", "application/json", r'{"event_type": "x", "schema": {"title": "\ud800"}}'),
        (
            "/v1/event-types",
            "application/yaml",
            r'{apiVersion: tidemark/v1, kind: EventType, event_type: x, schema: {title: "\ud800"}}',
        ),
        ("/v1/values/query", "application/json", r'{"questions": [{"kpi": "\ud800"}]}'),
        ("/v1/values/query", "application/json", r'{"\ud800": 1}'),
        ("/v1/kpis/departures/annotations", "application/json", r'{"text": "\ud800"}'),
    ],
)
async def test_halves_of_characters(path: str, media: str, body: str) -> None:
    """What JSON and YAML may escape and UTF-8 cannot say is refused, and the problem can be told."""
    headers = {"Content-Type": media}
    answer = await _answer(path, method="POST", content=body.encode(), headers=headers)

    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/alerts", "GET"), ("/v1/annotations", "GET, POST"), ("/v1/annotations/7", "DELETE, GET, PUT")],
)
async def test_allowed_methods(path: str, allowed: str) -> None:
    """A method that is not allowed is answered with those that are, whichever routes they belong to."""
    answer = await _answer(path, method="PATCH")

    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("length", [2048, 2049])
async def test_url_limit(length: int) -> None:
    """A URL may have 2,048 bytes, path and query together without the question mark."""
    query = "owner=".ljust(length - len("/v1/kpis"), "x")

    answer = await _answer(f"/v1/kpis?{query}")

    assert answer.status_code == (200 if length == 2048 else 414)


@pytest.mark.parametrize(
    "path",
    ["/v1/kpis/departures/value", "/v1/kpis/departures/history", "/v1/values", "/v1/alerts", "/v1/stream"],
)
async def test_database_away(path: str) -> None:
    """While the database is away callers are told when to come again, and nothing about it."""
    memory = Memory()
    memory.is_away = True

    answer = await _answer(path, memory)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "hunter2" not in answer.text


async def test_surprise(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody expected says nothing to the caller and everything to the log, under one id."""

    class Broken(Memory):
        async def page(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("secret: hunter2")

    answer = await _answer("/v1/values", Broken(), headers={"X-Request-ID": "abc-1"})
    log = capsys.readouterr()

    assert (answer.status_code, answer.json()["type"]) == (500, "urn:tidemark:problem:internal")
    assert "hunter2" not in answer.text
    assert "hunter2" in log.out + log.err
    assert "abc-1" in log.out + log.err


@pytest.mark.parametrize("theirs", ["a b", "x" * 65, "<script>", ""])
async def test_foreign_request_ids(theirs: str) -> None:
    """An id that is not a plain word is not taken over."""
    answer = await _answer("/v1/kpis", headers={"X-Request-ID": theirs})

    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/v1/kpis", "/nowhere", "/healthz", "/metrics", "/openapi.json"])
async def test_safe_headers(path: str) -> None:
    """Every answer, a problem too, keeps a browser from guessing, telling and loading."""
    answer = await _answer(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_request_metrics() -> None:
    """Requests are counted by the route's template; no path and no KPI becomes a label."""
    state = a_state(Memory(), a_kpi())
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        for path in ("/v1/kpis/departures", "/v1/kpis/nothing", "/wp-login.php", "/healthz"):
            await client.get(path)
    shown = generate_latest(state.registry).decode()

    for route, status in (
        ("/v1/kpis/{slug}", 200),
        ("/v1/kpis/{slug}", 404),
        ("unmatched", 404),
        ("/healthz", 200),
    ):
        line = f'tidemark_http_request_seconds_count{{method="GET",route="{route}",status="{status}"}} 1.0'
        assert line in shown
    assert "wp-login" not in shown


async def test_ready() -> None:
    """Readiness tells a reason per check."""
    answer = await _answer("/readyz")

    assert answer.json() == {
        "status": "ready",
        "checks": {"database": {"ok": True, "reason": "answers"}},
    }
