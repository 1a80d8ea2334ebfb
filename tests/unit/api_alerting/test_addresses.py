"""Which addresses a webhook may go to: a corpus of tricks, and what an operator can open."""

import pytest

from services.api.channels.addresses import ForbiddenAddressError, allowed_addresses, parse_networks

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address to be refused, not one to listen on
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "169.254.169.254",  # metadata services of clouds
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",  # the old IPv4-compatible form
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    """An address that is not a host of the public internet is refused."""
    with pytest.raises(ForbiddenAddressError):
        allowed_addresses([address], allowed=())


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    """A host of the public internet may be posted to."""
    assert [address] == [str(each) for each in allowed_addresses([address], allowed=())]


def test_every_answer_counts() -> None:
    """One bad answer among good ones refuses the name."""
    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1"):
        allowed_addresses(["8.8.8.8", "10.0.0.1"], allowed=())


def test_no_answer() -> None:
    """A name without an address is refused."""
    with pytest.raises(ForbiddenAddressError):
        allowed_addresses([], allowed=())


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
def test_opened(address: str) -> None:
    """Networks the operator has opened may be posted to, in whatever form the address comes."""
    networks = parse_networks("127.0.0.0/8, ::1/128")

    assert len(allowed_addresses([address], allowed=networks)) == 1


def test_opened_is_no_more_than_said() -> None:
    """Opening one network opens no other."""
    with pytest.raises(ForbiddenAddressError):
        allowed_addresses(["10.0.0.1"], allowed=parse_networks("127.0.0.0/8"))


@pytest.mark.parametrize("text", ["127.0.0.1/8", "loopback", "300.0.0.0/8"])
def test_bad_networks(text: str) -> None:
    """A network that is none is an error at the start, not a hole or a wall later."""
    with pytest.raises(ValueError, match=r"network|address|bits"):
        parse_networks(text)
