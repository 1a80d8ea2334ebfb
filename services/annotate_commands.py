"""`tidemark annotate`: say something about KPIs at a time; it asks the API only."""

import uuid
from typing import Annotated, Any

import httpx2
import typer

from services.value_commands import DECODER, ApiError, answer_body, credentials, unreachable
from shared.domain.annotations import AnnotationKind


def annotate(
    text: Annotated[str, typer.Argument(help="What is said, as plain text.")],
    *,
    kpi: Annotated[
        list[str] | None, typer.Option(help="A KPI that it is about; may be given often. Without: every KPI.")
    ] = None,
    kind: Annotated[AnnotationKind, typer.Option(help="What it tells of.")] = AnnotationKind.NOTE,
    at: Annotated[
        str | None, typer.Option(help="When it was or began: RFC 3339 with its offset; now by default.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="When it was over; a moment by default.")] = None,
    link: Annotated[str | None, typer.Option(help="Where there is more.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for machines.")] = False,
    api: Annotated[
        str, typer.Option(envvar="TIDEMARK_API_URL", help="Where the API is.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Say something about KPIs at a time: a release, a campaign, an incident, a note."""
    wanted = {"kpis": kpi or None, "start_at": at, "end_at": until, "link": link}
    body = {"text": text, "kind": kind.value, **{name: each for name, each in wanted.items() if each}}
    with httpx2.Client(base_url=api, headers=credentials(), timeout=10.0, trust_env=False) as client:
        try:
            told = said(client, body)
        except ApiError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    found = DECODER.decode(told)
    typer.echo(told.decode() if as_json else f"annotation {found['annotation_id']} at {found['start_at']}")


def said(client: httpx2.Client, body: dict[str, Any]) -> bytes:
    """What the API has made of *body*; an answer that is lost on its way is asked for once more.

    Raises:
        ApiError: it is refused, or the API is not there.
    """
    key = {"Idempotency-Key": str(uuid.uuid4())}
    try:
        try:
            answer = client.post("/v1/annotations", json=body, headers=key)
        except httpx2.ReadError:
            answer = client.post("/v1/annotations", json=body, headers=key)
    except httpx2.TransportError as error:
        raise ApiError(unreachable(client, error)) from error
    return answer.content if answer.status_code == httpx2.codes.CREATED else answer_body(answer)
