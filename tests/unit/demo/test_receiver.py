"""The demo's receiver of webhooks: what is not signed has not been received."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from services.local.demo.receiver import Receiver, is_signed, new_secret, receiving
from services.local.ports import free_port

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BODY = '{"type":"alert.firing","data":{"kpi":"worst_departure_delay"}}'


def headers(secret: str, *, body: str = BODY, at: datetime = NOW) -> dict[str, str]:
    """The headers that the reference implementation of Standard Webhooks would send."""
    signature = Webhook(secret).sign("msg_1", at, body)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def signed(given: dict[str, str], *, secret: str, body: str = BODY) -> bool:
    return is_signed(body.encode(), given, secret=secret, now_s=NOW.timestamp())


def test_the_signature_of_the_standard() -> None:
    """A message signed by the reference implementation is taken, also beside another signature."""
    secret = new_secret()
    given = headers(secret)

    assert signed(given, secret=secret)
    assert signed(given | {"webhook-signature": "v1,AAAA " + given["webhook-signature"]}, secret=secret)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "x"},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    ],
    ids=["none", "wrong", "other id", "no time", "other time"],
)
def test_other_signatures(change: dict[str, str]) -> None:
    """A signature of anything else is none."""
    secret = new_secret()

    assert not signed(headers(secret) | change, secret=secret)


def test_other_secrets_bodies_and_times() -> None:
    """Another secret, a changed body and an old message are refused."""
    secret = new_secret()

    assert not signed(headers(new_secret()), secret=secret)
    assert not signed(headers(secret), secret=secret, body=BODY + " ")
    assert not signed(headers(secret, at=datetime(2026, 3, 10, 11, 54, tzinfo=UTC)), secret=secret)


@pytest.mark.asyncio
async def test_a_notice_counts_once() -> None:
    """A notice that is delivered twice is received once, and an unsigned one never."""
    async with receiving(await free_port()) as receiver:
        answers = [
            await posted(receiver),
            await posted(receiver),
            await posted(receiver, secret=new_secret()),
        ]

        assert answers == [204, 204, 401]
        assert receiver.firing() == ["worst_departure_delay"]
        assert receiver.refused == 1


@pytest.mark.asyncio
async def test_waiting_for_an_alert() -> None:
    """Waiting ends with the alert, or says that it did not come."""
    async with receiving(await free_port()) as receiver:
        await posted(receiver)

        assert await receiver.received("worst_departure_delay", timeout_s=5)
        assert not await receiver.received("cancellations", timeout_s=0.01)


async def posted(receiver: Receiver, *, secret: str | None = None, **data: Any) -> int:
    """The status of the answer to a notice."""
    at = datetime.now(UTC)  # noqa: TID251 - the receiver compares with the real clock
    body = json.dumps({"type": "alert.firing", "data": {"kpi": "worst_departure_delay"} | data})
    given = headers(secret or receiver.secret, body=body, at=at)
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.post(receiver.url, content=body, headers=given)).status_code
