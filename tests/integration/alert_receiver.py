"""A real HTTP receiver of alerts with many ways to behave, and a webhook that posts to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from services.api.channels.addresses import parse_networks
from services.api.channels.outcomes import Message
from services.api.channels.signature import secret_bytes
from services.api.channels.webhook import WebhookChannel, open_webhook
from shared.contracts.alerts import encode_notice
from shared.domain.alert_changes import Change, Reason, advanced, unseen
from shared.runtime.ops import serving
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_message() -> Message:
    """The notice of an alert that fires."""
    rule = a_rule(held_for=timedelta(0))
    before = unseen(rule, {}, NOON)
    reading = a_reading("11.10")
    change = Change(before, advanced(before, rule, reading.value, NOON), reading, Reason.VALUE)
    return Message(change.notice_id, change.after.alert_id, encode_notice(change).encode())


@dataclass(slots=True)
class Receiver:
    """A real receiver; paths are ways to behave."""

    port: int = 0
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> Response:
        """Behave as the path says."""
        way = request.path_params["way"]
        self.seen.append((way, dict(request.headers), await request.body()))
        match way:
            case "flaky":
                return PlainTextResponse("", 500 if len(self.seen) == 1 else 200)
            case "gone":
                return PlainTextResponse("never again", 410)
            case "hang":
                await self.leaving.wait()
            case "redirect":
                return RedirectResponse(f"http://127.0.0.1:{self.port}/canary", 307)
            case "trickle":
                return StreamingResponse(self.trickle())
        return PlainTextResponse("thanks")

    async def trickle(self) -> AsyncIterator[bytes]:
        """A byte, and then nothing for as long as the test lasts."""
        yield b"x"
        await self.leaving.wait()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{way}", receiver.answer, methods=["POST"])])
    async with serving(app, host="127.0.0.1", port=0, on_stop=receiver.leaving.set) as server:
        receiver.port = server.port
        yield receiver


@contextlib.asynccontextmanager
async def posting_to(
    url: str, *, answers: Sequence[str] = ("127.0.0.1",), allowed: str = "127.0.0.0/8"
) -> AsyncIterator[tuple[WebhookChannel, list[str]]]:
    """A webhook to *url*, with a resolver that gives *answers*, and the names it was asked for."""
    asked: list[str] = []

    async def resolver(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return answers

    networks = parse_networks(allowed)
    key = secret_bytes(SECRET)
    async with open_webhook(url=url, key=key, allowed=networks, resolver=resolver) as channel:
        yield channel, asked
