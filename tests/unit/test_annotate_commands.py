"""`tidemark annotate`, against an API that answers from a script."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from services.annotate_commands import said
from services.cli import build
from services.value_commands import ApiError

TOLD = {"annotation_id": 17, "start_at": "2026-01-31T09:00:00Z"}

Handler = Callable[[httpx2.Request], httpx2.Response]


def _client(handle: Handler) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(handle), base_url="http://api")


def _run(monkeypatch: pytest.MonkeyPatch, handle: Handler, *arguments: str) -> Any:
    client = _client(handle)
    monkeypatch.setattr(httpx2, "Client", lambda **_: client)
    return CliRunner().invoke(build(called="annotate"), ["annotate", *arguments])


def test_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said becomes the body, and the number of the annotation is told."""
    bodies = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        bodies.append((request.url.path, json.loads(request.content)))
        return httpx2.Response(201, json=TOLD)

    asked = ("Release 4.2", "--kind", "release", "--kpi", "orders", "--kpi", "paid", "--at", TOLD["start_at"])
    result = _run(monkeypatch, handle, *map(str, asked))

    assert bodies == [
        (
            "/v1/annotations",
            {
                "text": "Release 4.2",
                "kind": "release",
                "kpis": ["orders", "paid"],
                "start_at": "2026-01-31T09:00:00Z",
            },
        )
    ]
    assert (result.exit_code, result.stdout) == (0, "annotation 17 at 2026-01-31T09:00:00Z\n")


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is told as the API words it, with exit status 1."""

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json={"detail": "/kpis/0: there is no KPI 'order'"})

    result = _run(monkeypatch, handle, "x", "--kpi", "order")

    assert (result.exit_code, result.stderr) == (1, "/kpis/0: there is no KPI 'order'\n")


def test_lost_on_its_way() -> None:
    """An answer that is lost is asked for once more under the same key, so that nothing is said twice."""
    keys = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx2.ReadError("gone", request=request)
        return httpx2.Response(201, json=TOLD)

    said(_client(handle), {"text": "x"})

    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_nobody_there() -> None:
    """Where no API is, the command says where it looked."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(ApiError, match="no API at http://api"):
        said(_client(handle), {"text": "x"})
