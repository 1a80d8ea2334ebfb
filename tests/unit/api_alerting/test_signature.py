"""The signature against the library that receivers use."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.api.channels.signature import secret_bytes, signature_headers
from shared.runtime.clock import utc_now

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = secret_bytes(SECRET)


@given(st.text(max_size=200), st.from_regex(r"notice_[0-9a-f]{32}", fullmatch=True))
def test_library_agrees(body: str, message_id: str) -> None:
    """The official library accepts what is signed here, whatever the body."""
    headers = signature_headers(KEY, message_id=message_id, body=body.encode(), at=utc_now())

    Webhook(SECRET).verify(body, headers, json_parse=False)


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp"])
def test_tampering_shows(part: str) -> None:
    """A changed body, id or time does not verify."""
    headers = signature_headers(KEY, message_id="notice_1", body=b"{}", at=utc_now())
    changed = {**headers, "webhook-id": "notice_2"} if part == "webhook-id" else headers
    if part == "webhook-timestamp":
        changed = {**headers, part: str(int(headers[part]) + 1)}
    body = b"{ }" if part == "body" else b"{}"

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, changed)


def test_replay_shows() -> None:
    """A signature of ten minutes ago does not verify."""
    at = utc_now() - timedelta(minutes=10)
    headers = signature_headers(KEY, message_id="notice_1", body=b"{}", at=at)

    with pytest.raises(WebhookVerificationError, match="old"):
        Webhook(SECRET).verify(b"{}", headers)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", "whsec_" + "A" * 100],
)
def test_bad_secrets(secret: str) -> None:
    """A secret that is too short, too long or no base64 is refused without being repeated."""
    with pytest.raises(ValueError, match="24 to 64") as caught:
        secret_bytes(secret)

    assert secret in ("", "whsec_") or secret not in str(caught.value)
