"""A receiver of webhooks that trusts nobody: it keeps what is signed, once per notice; it knows no rule."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.local.ports import LOOPBACK
from shared.runtime.clock import utc_now
from shared.runtime.ops import serving

TOLERANCE_S = 300
"""How far a signature's time may be off: five minutes, as Standard Webhooks 1.0.0 advises."""


def new_secret() -> str:
    """A secret of 32 random bytes in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def is_signed(body: bytes, headers: Mapping[str, str], *, secret: str, now_s: float) -> bool:
    """Whether one of the signatures in *headers* is that of *body* under *secret*, and made lately.

    Standard Webhooks 1.0.0: HMAC-SHA256 over the message's id, its timestamp and the body, joined by dots.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(now_s - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in given)


class Receiver:
    """What has been received: each notice once, however often it was delivered.

    Attributes:
        url: where to send to.
        secret: what to sign with.
        notices: bodies by message id, in order of arrival.
        refused: how many requests were not signed.
    """

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret
        self.notices: dict[str, Mapping[str, Any]] = {}
        self.refused = 0
        self._arrived = asyncio.Condition()

    async def take(self, request: Request) -> Response:
        """Keep a signed notice and refuse anything else."""
        body = await request.body()
        now_s = utc_now().timestamp()
        if not is_signed(body, request.headers, secret=self.secret, now_s=now_s):
            self.refused += 1
            return Response(status_code=401)
        async with self._arrived:
            self.notices.setdefault(request.headers["webhook-id"], msgspec.json.decode(body))
            self._arrived.notify_all()
        return Response(status_code=204)

    async def received(self, kpi: str, *, timeout_s: float) -> bool:
        """Whether a notice that an alert of *kpi* fires is there, or comes within *timeout_s* seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._arrived:
                await self._arrived.wait_for(lambda: kpi in self.firing())
        return kpi in self.firing()

    def firing(self) -> list[str]:
        """The KPIs of which a notice says that an alert fires, in order of arrival."""
        return [notice["data"]["kpi"] for notice in self.notices.values() if notice["type"] == "alert.firing"]


@contextlib.asynccontextmanager
async def receiving(port: int) -> AsyncIterator[Receiver]:
    """A receiver on the loopback interface until the block ends."""
    receiver = Receiver(f"http://{LOOPBACK}:{port}/hooks/tidemark", new_secret())
    app = Starlette(routes=[Route("/hooks/tidemark", receiver.take, methods=["POST"])])
    async with serving(app, host=LOOPBACK, port=port, grace_s=1.0):
        yield receiver
