"""The symmetric signature of Standard Webhooks 1.0.0; it knows no transport and no clock."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"
"""What a secret of Standard Webhooks begins with."""


def secret_bytes(secret: str) -> bytes:
    """The key in *secret*: `whsec_` and 24 to 64 bytes in base64.

    Raises:
        ValueError: it is not such a secret; the message does not repeat it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook secret is {PREFIX} followed by 24 to 64 random bytes in base64")
    return key


def signature_headers(key: bytes, *, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The three headers that let the receiver of *body* know that it comes from us, and now."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{digest}",
    }
