"""`tidemark value`, against an API that answers from a script."""

import itertools
import json
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from services.value_commands import ApiError, Place, Question, app, asked, followed, value_events


def _body(value: str = "42", **changes: Any) -> str:
    fields = {
        "kpi": "departures",
        "window": "1h",
        "dimensions": {},
        "unit": "flights",
        "n": 42,
        "window_end": "2026-01-31T09:30:00Z",
        "complete": False,
        "status": "at_risk",
    }
    return json.dumps({**fields, **changes})[:-1] + f', "value": {value}}}'


def _client(*answers: httpx2.Response) -> tuple[httpx2.Client, list[httpx2.Request]]:
    """A client that gets *answers* one after the other, and the requests it has made."""
    requests: list[httpx2.Request] = []
    waiting = iter(answers)

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return next(waiting)

    return httpx2.Client(transport=httpx2.MockTransport(handle), base_url="http://api"), requests


TOTAL = Question("departures", None, None, None, {})


def test_question() -> None:
    """Window, instant, time of knowing and dimensions become the query."""
    client, requests = _client(httpx2.Response(200, text=_body()))
    at, known_at = "2026-01-31T09:30:00+01:00", "2026-02-01T00:00:00Z"
    asked(client, Question("departures", "1h", at, known_at, {"carrier": "AA"}))

    assert dict(requests[0].url.params) == {
        "window": "1h",
        "at": at,
        "known_at": known_at,
        "carrier": "AA",
    }


@pytest.mark.parametrize("option", ["--at", "--known-at"])
def test_watching_the_past(option: str) -> None:
    """What is past does not change: watching it is refused."""
    result = CliRunner().invoke(app, ["get", "departures", "--watch", option, "2026-01-31T09:30:00Z"])

    assert result.exit_code == 2


def test_problem() -> None:
    """A problem's detail is what the caller reads."""
    client, _ = _client(httpx2.Response(404, json={"detail": "there is no KPI 'x'"}))

    with pytest.raises(ApiError, match="there is no KPI 'x'"):
        asked(client, TOTAL)


def test_no_api() -> None:
    """Without an API the message says what to do."""
    result = CliRunner().invoke(app, ["get", "departures", "--api", "http://127.0.0.1:1"])

    assert result.exit_code == 1
    assert "TIDEMARK_API_URL" in result.stderr


@pytest.mark.parametrize("arguments", [["--dim", "carrier"], ["--dim", "=AA"], ["--watch", "--at", "now"]])
def test_usage(arguments: list[str]) -> None:
    """Arguments that make no sense are refused before anything is asked."""
    result = CliRunner().invoke(app, ["get", "departures", *arguments])

    assert result.exit_code == 2


def test_events() -> None:
    """Values are told, comments and goodbyes are not, and the place to go on from is kept."""
    place = Place()
    lines = [
        "retry: 1500", "", ": still here", "",
        "id: 7", "event: value", 'data: {"value":0.10}', "",
        "event: bye", 'data: {"reason":"shutdown"}', "",
    ]  # fmt: skip

    assert list(value_events(iter(lines), place)) == [b'{"value":0.10}']
    assert place == Place(last_id="7", retry_ms=1500)


def test_following() -> None:
    """Changes of the series that was asked for are told once; others and repetitions are not."""
    events = [_body(), _body("43"), _body("43"), _body("99", dimensions={"carrier": "AA"}), _body("0.10")]
    stream = "".join(f"id: 1\nevent: value\ndata: {event}\n\n" for event in events)
    client, requests = _client(httpx2.Response(200, text=_body()), httpx2.Response(200, text=stream))
    told = [json.loads(each, parse_float=Decimal) for each in itertools.islice(followed(client, TOTAL), 3)]

    assert [each["value"] for each in told] == [42, 43, Decimal("0.10")]
    assert dict(requests[1].url.params) == {"kpi": "departures", "window": "1h"}


def test_coming_again() -> None:
    """When a stream ends, the next one goes on from the last id."""
    first = f"retry: 0\n\nid: 5\nevent: value\ndata: {_body('43')}\n\nevent: bye\ndata: {{}}\n\n"
    second = f"id: 6\nevent: value\ndata: {_body('44')}\n\n"
    client, requests = _client(*(httpx2.Response(200, text=text) for text in (_body(), first, second)))
    told = [json.loads(each)["value"] for each in itertools.islice(followed(client, TOTAL), 3)]

    assert told == [42, 43, 44]
    assert requests[2].headers["last-event-id"] == "5"
