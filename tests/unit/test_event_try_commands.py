"""`tidemark events try`, against an API that answers from a script."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from services.event_commands import app
from services.event_try_commands import REFUSED

COUNTED: dict[str, Any] = {
    "outcome": "counted", "reason": None, "detail": None, "event": {}, "undone": None,
    "late": True, "left_out": 2,
    "moves": [
        {
            "kpi": "orders", "version": 1, "window": "5m", "dimensions": {"shop": "[red]"},
            "before": 3, "after": 4,
            "n_before": 3, "n_after": 4, "revises": True, "recounted": False,
            "alerts": [{"rule": "many", "before": False, "after": True}],
        }
    ],
}  # fmt: skip
REJECTED = {
    **COUNTED,
    "outcome": "rejected",
    "reason": "time_too_old",
    "detail": "time is [b] old",
    "moves": [],
}


def run(
    monkeypatch: pytest.MonkeyPatch, path: Path, answer: httpx2.Response, *options: str
) -> tuple[Result, list[bytes]]:
    """What the command says to *answer*, and what it sent."""
    sent: list[bytes] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return answer

    made = httpx2.Client(transport=httpx2.MockTransport(handle), base_url="http://api")
    monkeypatch.setattr("services.event_try_commands.httpx2.Client", lambda **_: made)
    return CliRunner().invoke(app, ["try", str(path), *options]), sent


@pytest.fixture
def event(tmp_path: Path) -> Path:
    """A file with anything in it: the API judges."""
    path = tmp_path / "event.json"
    path.write_bytes(b'{"id": "a"}')
    return path


def test_shown(monkeypatch: pytest.MonkeyPatch, event: Path) -> None:
    """A person sees what would move, texts as they are, and what comes of it."""
    result, sent = run(monkeypatch, event, httpx2.Response(200, json=COUNTED))
    words = " ".join(result.stdout.split())

    assert (result.exit_code, sent) == (0, [b'{"id": "a"}'])
    assert "it would be counted, late" in words
    assert "orders 5m shop=[red] 3 4 3 -> 4 revises a complete value; many would hold" in words
    assert "and up to 2 more series" in words


def test_for_machines(monkeypatch: pytest.MonkeyPatch, event: Path) -> None:
    """A program gets what the API said."""
    result, _ = run(monkeypatch, event, httpx2.Response(200, json=COUNTED), "--json")

    assert json.loads(result.stdout) == COUNTED


def test_refused(monkeypatch: pytest.MonkeyPatch, event: Path) -> None:
    """An event that would be refused is told with its reason and by the exit status."""
    result, _ = run(monkeypatch, event, httpx2.Response(200, json=REJECTED))

    assert result.exit_code == REFUSED
    assert "it would be refused, late (time_too_old): time is [b] old" in result.stdout


def test_no_answer(monkeypatch: pytest.MonkeyPatch, event: Path) -> None:
    """A problem of the API is told in its words."""
    result, _ = run(monkeypatch, event, httpx2.Response(503, json={"detail": "The database does not answer"}))

    assert (result.exit_code, result.stderr) == (1, "The database does not answer\n")


def test_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is not there is a mistake of the caller, and nobody is asked."""
    result, sent = run(monkeypatch, tmp_path / "nothing.json", httpx2.Response(200, json=COUNTED))

    assert (result.exit_code, sent) == (2, [])
