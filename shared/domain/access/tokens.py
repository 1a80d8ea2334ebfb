"""The text of a key: `tmk_<id>_<secret>_<check>`; it draws no random numbers and keeps nothing.

The secret has 256 random bits, so its plain SHA-256 is all that has to be kept: a slow hash protects secrets
that people choose, because these can be guessed; nobody guesses one of 2^256. The prefix lets secret scanners
find keys that were checked in by mistake, the checksum tells a key from what only looks like one.
"""

import base64
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from datetime import datetime

SECRET_BYTES = 32
"""256 bits: as many as SHA-256 keeps apart."""

ID_BYTES = 8
"""Enough that ids drawn at random do not meet, and that none is found by trying."""

_TOKEN = re.compile(r"tmk_([0-9a-f]{16})_[a-z2-7]{52}_[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is left of a key that was sent: nothing that another one can be made from.

    Attributes:
        key_id: which key it claims to be.
        digest: SHA-256 of its whole text.
    """

    key_id: str
    digest: bytes


def token_text(key_id: str, secret: bytes) -> str:
    """The text of the key *key_id* with *secret*; told once and never kept."""
    encoded = base64.b32encode(secret).decode().rstrip("=").lower()
    body = f"tmk_{key_id}_{encoded}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def token_of(text: str) -> Token | None:
    """The token that *text* is, or None where it is no text of a key at all."""
    match = _TOKEN.fullmatch(text)
    if match is None or zlib.crc32(text[:-9].encode()) != int(text[-8:], 16):
        return None
    return Token(match[1], hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class Secrets:
    """Which tokens a key is proved by.

    Attributes:
        digest: of the newest one.
        earlier: of the one before it, after a rotation.
        earlier_until: from here on that one is no longer accepted.
    """

    digest: bytes
    earlier: bytes | None = None
    earlier_until: datetime | None = None

    def accept(self, digest: bytes, *, now: datetime) -> bool:
        """Whether a token of that *digest* proves the key *now*; takes the same time for every wrong one."""
        is_newest = hmac.compare_digest(digest, self.digest)
        is_earlier = hmac.compare_digest(digest, self.earlier or bytes(len(digest)))
        overlaps = self.earlier_until is not None and now < self.earlier_until
        return is_newest or (is_earlier and overlaps)


NO_SECRETS = Secrets(bytes(32))
"""What a token of an unknown key is compared with, so that it takes no less time. Nothing hashes to it."""
