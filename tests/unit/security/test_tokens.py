"""Keys as text, and what proves them."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.tokens import SECRET_BYTES, Secrets, token_of, token_text

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
IDS = st.binary(min_size=8, max_size=8).map(bytes.hex)
SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


@given(IDS, SECRETS)
def test_read_back(key_id: str, secret: bytes) -> None:
    """What is left of a key is its id and the digest of its text, and nothing of the secret."""
    text = token_text(key_id, secret)
    token = token_of(text)

    assert token is not None
    assert (token.key_id, token.digest) == (key_id, hashlib.sha256(text.encode()).digest())


@given(IDS, st.lists(SECRETS, min_size=2, max_size=2, unique=True))
def test_secrets_differ(key_id: str, pair: list[bytes]) -> None:
    """Two secrets of one key have two texts: every one of the 256 bits is in it."""
    assert len({token_text(key_id, secret) for secret in pair}) == 2


@given(IDS, SECRETS, st.data())
def test_one_wrong_letter(key_id: str, secret: bytes, data: st.DataObject) -> None:
    """A key with a letter mistyped is none at all."""
    text = token_text(key_id, secret)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(
        st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789_").filter(lambda c: c != text[place])
    )

    assert token_of(text[:place] + letter + text[place + 1 :]) is None


@pytest.mark.parametrize(
    "text", ["", "tmk", "tmk__", "x" * 82, "tmk_é", token_text("0" * 16, bytes(32)) + "\n"]
)
def test_no_keys(text: str) -> None:
    """Other texts are none either."""
    assert token_of(text) is None


@pytest.mark.parametrize(
    ("digest", "later", "accepted"),
    [
        ("new", timedelta(0), True),
        ("new", timedelta(days=1), True),
        ("old", timedelta(0), True),
        ("old", timedelta(minutes=59, seconds=59), True),
        ("old", timedelta(hours=1), False),
        ("other", timedelta(0), False),
    ],
)
def test_overlap(digest: str, later: timedelta, accepted: bool) -> None:  # noqa: FBT001 - a column of the table
    """After a rotation the old secret is accepted until the stated moment, itself not included."""
    names = {name: hashlib.sha256(name.encode()).digest() for name in ("new", "old", "other")}
    secrets = Secrets(names["new"], names["old"], NOW + timedelta(hours=1))

    assert secrets.accept(names[digest], now=NOW + later) is accepted
