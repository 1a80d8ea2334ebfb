"""`tidemark value`: what the API says a KPI is worth, once or as it changes; it asks the API only.

The key it asks with is TIDEMARK_API_KEY.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, NoReturn

import httpx2
import msgspec
import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True)

DECODER = msgspec.json.Decoder(float_hook=Decimal)
"""Numbers with a point keep every digit they were sent with."""

Slug = Annotated[str, typer.Argument(help="The KPI.")]
WindowName = Annotated[str | None, typer.Option(help="One of its windows; its first one by default.")]
At = Annotated[str | None, typer.Option(help="RFC 3339 with its offset; now by default.")]
KnownAt = Annotated[str | None, typer.Option(help="RFC 3339: what was known then; everything by default.")]
Dimensions = Annotated[list[str] | None, typer.Option(help="A dimension as NAME=VALUE; may be given often.")]

_SILENCE_S = 45.0
"""A stream that says nothing for three keep-alives is dead."""


class ApiError(Exception):
    """The API has no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the API."""

    slug: str
    window: str | None
    at: str | None
    known_at: str | None
    dimensions: Mapping[str, str]

    def parameters(self) -> dict[str, str]:
        """As query parameters of the value."""
        named = {"window": self.window, "at": self.at, "known_at": self.known_at}
        return {**self.dimensions, **{name: value for name, value in named.items() if value is not None}}

    def is_answered_by(self, body: Mapping[str, Any]) -> bool:
        """Whether *body*, of any series of the KPI, is the series that is meant."""
        asked = {name: value or None for name, value in self.dimensions.items()}
        return bool(body["dimensions"] == asked)


@app.callback()
def value() -> None:
    """Values of KPIs, once or as they change."""


@app.command()
def get(
    slug: Slug,
    *,
    window: WindowName = None,
    at: At = None,
    known_at: KnownAt = None,
    dim: Dimensions = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with every change until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
    api: Annotated[
        str, typer.Option(envvar="TIDEMARK_API_URL", help="Where the API is.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """The value of a KPI over a window."""
    if watch and (at, known_at) != (None, None):
        raise typer.BadParameter("--watch follows the present; leave --at and --known-at out")
    question = Question(slug, window, at, known_at, dimensions_of(dim or []))
    # What was known then is read from the log, for half a minute at most.
    with httpx2.Client(
        base_url=api, headers=credentials(), timeout=40.0 if known_at else 10.0, trust_env=False
    ) as client:
        try:
            for body in followed(client, question) if watch else [asked(client, question)]:
                _show(body, as_json=as_json)
        except ApiError as error:
            failed(str(error))
        except KeyboardInterrupt:
            raise typer.Exit from None


def dimensions_of(given: list[str]) -> dict[str, str]:
    """Dimensions written as NAME=VALUE.

    Raises:
        typer.BadParameter: one is not.
    """
    pairs = [each.partition("=") for each in given]
    if not all(name and equals for name, equals, _ in pairs):
        raise typer.BadParameter("--dim takes NAME=VALUE, such as carrier=AA")
    return {name: value for name, _, value in pairs}


def asked(
    client: httpx2.Client,
    question: Question,
    *,
    what: str = "value",
    more: Mapping[str, str] | None = None,
) -> bytes:
    """The API's answer to *question*.

    Args:
        client: of the API.
        question: which value.
        what: of it is wanted, as the last part of the path.
        more: further parameters.

    Raises:
        ApiError: it has none, or is not there.
    """
    try:
        parameters = question.parameters() | dict(more or {})
        answer = client.get(f"/v1/kpis/{question.slug}/{what}", params=parameters)
    except httpx2.TransportError as error:
        raise ApiError(unreachable(client, error)) from error
    return answer_body(answer)


def followed(client: httpx2.Client, question: Question) -> Iterator[bytes]:
    """The answer to *question* now and whenever it changes; ends only by an error.

    Raises:
        ApiError: the KPI is not known, or the API was not there when it was first asked.
    """
    first = asked(client, question)
    yield first
    seen = DECODER.decode(first)
    for data in _changes(client, {"kpi": seen["kpi"], "window": seen["window"]}):
        body = DECODER.decode(data)
        if question.is_answered_by(body) and (body["value"], body["n"]) != (seen["value"], seen["n"]):
            seen = body
            yield data


def _changes(client: httpx2.Client, parameters: Mapping[str, str]) -> Iterator[bytes]:
    """The data of every `value` event, over as many connections as it takes."""
    place = Place()
    while True:
        try:
            yield from _one_stream(client, parameters, place)
        except httpx2.TransportError as error:
            typer.echo(f"{unreachable(client, error)}; trying again", err=True)
        time.sleep(place.retry_ms / 1000)


@dataclass(slots=True)
class Place:
    """Where a stream was left: the last id seen and when to come again."""

    last_id: str | None = None
    retry_ms: int = 2000


def _one_stream(client: httpx2.Client, parameters: Mapping[str, str], place: Place) -> Iterator[bytes]:
    headers = {} if place.last_id is None else {"Last-Event-ID": place.last_id}
    patience = httpx2.Timeout(10.0, read=_SILENCE_S)
    with client.stream("GET", "/v1/stream", params=parameters, headers=headers, timeout=patience) as answer:
        if answer.status_code == httpx2.codes.OK:
            yield from value_events(answer.iter_lines(), place)


def value_events(lines: Iterator[str], place: Place) -> Iterator[bytes]:
    """The data of the `value` events among *lines*; what else they say is kept in *place*.

    Fields as in the HTML standard, section 9.2.6; our data never spans lines.
    """
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, text = line.partition(": ")
            fields[name] = text
            continue
        place.last_id = fields.get("id", place.last_id)
        place.retry_ms = int(fields.get("retry", place.retry_ms))
        if fields.get("event") == "value":
            yield fields["data"].encode()
        fields = {}


def answer_body(answer: httpx2.Response) -> bytes:
    """The body of *answer*.

    Raises:
        ApiError: it is a problem.
    """
    if answer.status_code == httpx2.codes.OK:
        return answer.content
    try:
        problem = msgspec.json.decode(answer.content)
        raise ApiError(problem["detail"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ApiError(f"the API answered with status {answer.status_code}") from error


def credentials() -> Mapping[str, str]:
    """The key, from the environment alone: arguments are seen by everybody on the machine."""
    key = os.environ.get("TIDEMARK_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def unreachable(client: httpx2.Client, error: Exception) -> str:
    """What to tell a person when *client* met nobody."""
    return f"no API at {client.base_url} ({error}); start it, or name it with --api or TIDEMARK_API_URL"


def _show(body: bytes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(body.decode())
    else:
        Console().print(_table(DECODER.decode(body)))


def _table(body: Mapping[str, Any]) -> Table:
    table = Table(show_header=True, box=None, pad_edge=False)
    cells = {
        "KPI": body["kpi"],
        "window": body["window"],
        "dimensions": ", ".join(f"{name}={text}" for name, text in body["dimensions"].items()),
        "value": "no data" if body["value"] is None else f"{body['value']} {body['unit'] or ''}".strip(),
        "status": (body["status"] or "").replace("_", " "),
        "events": str(body["n"]),
        "until": body["window_end"],
        "": "complete" if body["complete"] else "provisional",
    }
    for name in cells:
        table.add_column(name)
    table.add_row(*cells.values())
    return table


def failed(reason: str) -> NoReturn:
    """End the command with *reason*."""
    typer.echo(reason, err=True)
    raise typer.Exit(1)
