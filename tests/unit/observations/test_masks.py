"""What may tell of a person is never shown."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.observations.masks import is_personal, looks_personal, masked, shown


@pytest.mark.parametrize(
    "path",
    [
        "data.email",
        "data.customerEmail",
        "data.customer.phone_number",
        "data.customer.name",
        "data.firstName",
        "data.card.last4",
        "data.client_ip",
        "data.clientIP",
        "data.IP",
        "data.shipping-address.line1",
        "data.dateOfBirth",
        "data.payer_iban",
        "data.contacts[].mail",
    ],
)
def test_personal_names(path: str) -> None:
    """A name that speaks of a person makes its field personal, however it is spelled."""
    assert is_personal(path, ())


@pytest.mark.parametrize("path", ["data.amount", "data.carrier", "data.trip", "data.ship", "data.capacity"])
def test_other_names(path: str) -> None:
    """A word within another word is no word: an ip is not part of a trip."""
    assert not is_personal(path, ())


@pytest.mark.parametrize("declared", ["buyer", "data.buyer"])
def test_declared(declared: str) -> None:
    """What lies below a field that is declared personal is personal; what begins alike is not."""
    paths = ["data.buyer", "data.buyer.code", "data.buyer[].code", "data.buyers"]

    assert [is_personal(path, [declared]) for path in paths] == [True, True, True, False]


@pytest.mark.parametrize(
    "value",
    [
        "jane@example.org",
        "call jane@example.org now",
        "+49 171 1234567",
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "4111 1111 1111 1111",
        4111111111111111,
        "192.168.1.20",
        "2001:db8::1",
    ],
)
def test_personal_values(value: Any) -> None:
    """A value is known for what it is wherever it stands."""
    assert looks_personal(value)


@pytest.mark.parametrize(
    "value", ["AA", "1.5", "2026-01-01", 1_793_528_100_000, 17, True, "4111111111111112"]
)
def test_other_values(value: Any) -> None:
    """Codes, numbers, times and digits with a wrong check digit are not taken for it."""
    assert not looks_personal(value)


def test_shapes() -> None:
    """At most the first letter of a text is left, and nothing of a number."""
    values = ["jane@example.org", "Jane", "Al", "4111111111111111", 17, Decimal("1.5"), True, None]

    assert [masked(one) for one in values] == ["j***@***", "J***", "***", "***", "***", "***", True, None]


@given(st.text(), st.booleans())
def test_nothing_is_left(text: str, personal: bool) -> None:  # noqa: FBT001 - as Hypothesis calls it
    """Of a personal value no two characters in a row are shown; long texts are shown of no field."""
    example = str(shown(text, personal=personal))

    if personal or len(text) > 40:
        assert example.strip("*").replace("***@", "") in ("", text[:1])
    else:
        assert example == text or looks_personal(text)
