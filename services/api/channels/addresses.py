"""Which addresses a webhook may be sent to: the public internet and what the operator allows; no IO."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class ForbiddenAddressError(Exception):
    """A webhook's name leads to an address inside; allow the network if that is meant."""


_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 that is the public internet (RFC 4291 2.4); the rest is special or unassigned."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 seen through a translator (RFC 6052): as public as the IPv4 address in it."""

_SPECIAL = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments, RFC 6890; some count as global in ipaddress
        "192.88.99.0/24",  # relays of 6to4, RFC 7526
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4: any IPv4 address may hide in it
        "3fff::/20",  # documentation, RFC 9637
    )
)
"""Special ranges that `ipaddress.is_global` of Python 3.11 takes for public, measured on 3.11.7."""


def allowed_addresses(answers: Sequence[str], *, allowed: Sequence[Network]) -> list[Address]:
    """The addresses in *answers* of a resolver, if every single one of them may be connected to.

    Raises:
        ForbiddenAddressError: one may not, or there is none.
    """
    addresses = [_plain(ip_address(answer)) for answer in answers]
    if not addresses:
        raise ForbiddenAddressError("the name has no address")
    for address in addresses:
        if not (is_within(address, allowed) or is_public(address)):
            raise ForbiddenAddressError(f"{address} is not an address of the public internet")
    return addresses


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether *address* is in one of *networks*."""
    return any(address.version == network.version and address in network for network in networks)


def is_public(address: Address) -> bool:
    """Whether *address* is an ordinary host of the public internet."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not is_within(address, _SPECIAL)


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks in a comma separated list of CIDRs.

    Raises:
        ValueError: one of them is not a network.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _plain(address: Address) -> Address:
    """An IPv4 address in IPv6 clothing is connected to, and so judged, as IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
