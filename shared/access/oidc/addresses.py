"""Addresses of issuers: which may be asked, and which belong together; it asks none."""

import httpx2

from shared.access.loopback import is_loopback


def is_safe(url: str) -> bool:
    """Whether nobody between can change what *url* answers: https, or http on this machine's loopback."""
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    is_plain = bool(found.host) and (found.port or 0) < 65536 and not found.userinfo and not found.fragment
    return is_plain and (found.scheme == "https" or (found.scheme == "http" and is_loopback(found.host)))


def origin_of(url: str) -> str:
    """Scheme, host and port of *url* (RFC 6454, section 6.2), without the port that its scheme implies."""
    found = httpx2.URL(url)
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"{found.scheme}://{host}" + ("" if found.port is None else f":{found.port}")
