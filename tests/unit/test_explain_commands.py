"""`tidemark value explain`, against an API that answers from a script."""

import io
import json
from typing import Any

import httpx2
import pytest
from rich.console import Console
from typer.testing import CliRunner

from services import cli
from services.explain_commands import app, told

BODY: dict[str, Any] = {
    "part": "paid", "window": "1h", "value": 7.34, "unit": "EUR", "n": 1, "version": 2,
    "window_start": "2026-03-04T04:06:10Z", "window_end": "2026-03-04T05:06:10Z",
    "definition": {"rule": "the sum", "where": "data.tags[0] == 'a'", "event_type": "order.paid"},
    "arithmetic": "sum of 1 events = 7.34", "status": "at_risk", "status_rule": "20 is the target",
    "panes": [{"length": "10s", "start": "a", "end": "b", "panes": 1, "rows": 1, "partial": {"n": 1}}],
    "parts": [], "reconciles": True,
    "events": {
        "n": 1, "late": 0,
        "items": [{"time": "2026-03-04T05:05:37Z", "id": "order-1", "source": "/shop", "value": 7.34,
                   "partition": 3, "offset": 17, "late": False}],
        "not_counted": {"filtered": 4}, "set_aside": {"copies": 2, "retractions": []},
    },
}  # fmt: skip


def _printed(body: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200)
    for each in told(body):
        console.print(each)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_told() -> None:
    """People read the value, its rule, its panes and events, and what does not count."""
    text = _printed(BODY)

    for part in (
        "paid over 1h: 7.34 EUR, of 1 events",
        "order.paid where data.tags[0] == 'a'",
        "status: at risk; 20 is the target",
        "3/17",
        "not counted: 4 filtered, 2 copies",
        "the events come to exactly this value",
    ):
        assert part in text


def test_drift() -> None:
    """That the events do not come to the value is said."""
    assert "do NOT come to this value" in _printed({**BODY, "reconciles": False})


def test_formula() -> None:
    """Of a formula the parts are told, and no events."""
    part = {"part": "prev(orders)", "value": None, "n": 0}
    text = _printed({**BODY, "panes": [], "parts": [part], "events": None, "reconciles": None})

    assert "prev(orders)  no data  0" in text
    assert "events in the log" not in text


def test_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that was said on the command line is asked, and --json hands the answer on."""
    requests: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200, json=BODY)

    def client(**settings: Any) -> httpx2.Client:
        del settings["timeout"], settings["trust_env"]
        return client_class(transport=httpx2.MockTransport(handle), **settings)

    client_class = httpx2.Client
    monkeypatch.setattr(httpx2, "Client", client)
    monkeypatch.setenv("TIDEMARK_API_KEY", "a-key")
    options = ["--window", "1h", "--dim", "shop=a", "--part", "prev(paid)", "--sample", "0", "--json"]
    result = CliRunner().invoke(app, ["explain", "growth", *options])

    assert requests[0].url.path == "/v1/kpis/growth/explain"
    expected = {"shop": "a", "window": "1h", "part": "prev(paid)", "sample": "0"}
    assert dict(requests[0].url.params) == expected
    assert requests[0].headers["authorization"] == "Bearer a-key"
    assert json.loads(result.stdout) == BODY


def test_it_is_a_command() -> None:
    """`tidemark value` has both commands."""
    result = CliRunner().invoke(cli.build(called="value"), ["value", "--help"])

    assert ("get" in result.stdout, "explain" in result.stdout) == (True, True)
