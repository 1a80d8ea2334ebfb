"""Alerts by signed HTTP POST, as Standard Webhooks 1.0.0 has it; one attempt at a time, no state."""

import asyncio
import contextlib
import string
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from services.api.channels.addresses import ForbiddenAddressError, Network
from services.api.channels.outcomes import Delivered, Failed, Message, Outcome, Refused, RetryPolicy
from services.api.channels.pinned import PinnedTransport, Resolver, system_resolver
from services.api.channels.signature import signature_headers
from shared.runtime.clock import utc_now

DEADLINE_S = 15.0
"""One attempt in all. The client's own limits are per read: a byte every few seconds would never end."""

BODY_BYTES = 64 * 1024
"""How much of an answer is read; nothing in it is needed, a little of it helps the operator."""

EXCERPT_CHARACTERS = 200
"""How much of an answer is kept beside a failed notice."""

LONGEST_WAIT = timedelta(hours=10)
"""A receiver may ask for patience, but not for more than the last of our own waits."""

RETRIES = RetryPolicy(
    waits=(
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
    ),
    gives_up=True,
)
"""The beginning of the schedule that Standard Webhooks suggests: seven attempts over about 18 hours."""

_PRINTABLE = frozenset(string.ascii_letters + string.digits + string.punctuation + " ")


class WebhookChannel:
    """Posts to one address. Safe to use from several tasks at once."""

    name = "webhook"
    retries = RETRIES

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: bytes,
        now: Callable[[], datetime] = utc_now,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._client = client
        self._url = url
        self._key = key
        self._now = now
        self._deadline_s = deadline_s

    async def send(self, message: Message) -> Outcome:
        """Post *message* once; a 2xx is success, 410 a refusal, everything else a failure."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._post(message)
        except TimeoutError:
            return Failed(f"no whole answer within {self._deadline_s:g} s")
        except (httpx2.HTTPError, ForbiddenAddressError) as error:
            return Failed(f"{type(error).__name__}: {error}")

    async def _post(self, message: Message) -> Outcome:
        headers = signature_headers(
            self._key, message_id=message.notice_id, body=message.body, at=self._now()
        )
        headers["content-type"] = "application/json"
        async with self._client.stream("POST", self._url, content=message.body, headers=headers) as answer:
            return _judged(answer, await _beginning(answer), now=self._now())


@contextlib.asynccontextmanager
async def open_webhook(
    *, url: str, key: bytes, allowed: Sequence[Network], resolver: Resolver = system_resolver
) -> AsyncIterator[WebhookChannel]:
    """A webhook channel to *url*, whose connections are closed when the block ends.

    Args:
        url: where to post; https, or http to an address within *allowed*.
        key: the shared secret.
        allowed: networks that may be posted to although they are not public.
        resolver: who turns names into addresses.
    """
    transport = PinnedTransport(allowed=allowed, resolver=resolver)
    client = httpx2.AsyncClient(
        transport=transport,
        follow_redirects=False,
        trust_env=False,
        timeout=DEADLINE_S,
        headers={"user-agent": "tidemark", "accept-encoding": "identity"},
    )
    async with client:
        yield WebhookChannel(client, url=url, key=key)


async def _beginning(answer: httpx2.Response) -> bytes:
    """At most BODY_BYTES of the answer as it came over the wire; the rest is never read."""
    read = bytearray()
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) >= BODY_BYTES:
            break
    return bytes(read[:BODY_BYTES])


def _judged(answer: httpx2.Response, body: bytes, *, now: datetime) -> Outcome:
    if answer.is_success:
        return Delivered()
    detail = f"HTTP {answer.status_code} {_excerpt(body)}".rstrip()
    if answer.status_code == 410:
        return Refused(detail)
    return Failed(detail, wait=_asked_wait(answer.headers.get("retry-after", ""), now))


def _excerpt(body: bytes) -> str:
    """The first characters of *body* without anything that could play tricks in a log or a page."""
    text = body[: 4 * EXCERPT_CHARACTERS].decode("ascii", errors="replace")
    return "".join(c if c in _PRINTABLE else " " for c in text)[:EXCERPT_CHARACTERS]


def _asked_wait(retry_after: str, now: datetime) -> timedelta:
    """What Retry-After asks for, in seconds or as a date (RFC 9110 10.2.3), within bounds."""
    if retry_after.isascii() and retry_after.isdigit():
        seconds = float(retry_after[:9])
    else:
        seconds = _seconds_until(retry_after, now)
    return min(timedelta(seconds=max(0.0, seconds)), LONGEST_WAIT)


def _seconds_until(date: str, now: datetime) -> float:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
