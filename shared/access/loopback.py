"""Addresses that only this machine can reach."""

import ipaddress
from typing import Any


def is_loopback(host: Any) -> bool:
    """Whether only this machine can reach *host*; names other than localhost may be anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False
