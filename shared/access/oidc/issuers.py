"""An OpenID issuer asked for its keys over HTTP; what it answers is bounded, and nothing of it is kept."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2
import msgspec

from shared.access.oidc.addresses import is_safe, origin_of
from shared.access.oidc.key_sets import BadKeySetError, Keys, keys_of
from shared.domain.errors import TryAgainError

DISCOVERY_PATH = "/.well-known/openid-configuration"
"""OpenID Connect Discovery 1.0, section 4: it follows the issuer, whatever path that has."""

DEADLINE_S = 5.0
"""Both documents together; requests with a key that is not known yet wait as long."""

MOST_BYTES = 256 * 1024
"""Of each document; known ones have a few KiB."""


class IssuerUnavailableError(TryAgainError):
    """The issuer of tokens cannot be asked for its keys, or answers what cannot be used."""


class KeySource(Protocol):
    """Where keys come from."""

    async def keys(self) -> Keys:
        """The keys of now.

        Raises:
            IssuerUnavailableError: they cannot be had.
        """


class Issuer:
    """One issuer.

    Args:
        url: the issuer as its tokens name it.
        jwks_origin: where its keys may lie; None: where it is itself.
    """

    def __init__(self, url: str, *, jwks_origin: str | None = None, deadline_s: float = DEADLINE_S) -> None:
        self._url = url
        self._jwks_origin = jwks_origin or origin_of(url)
        self._deadline_s = deadline_s

    async def keys(self) -> Keys:
        """The keys that the issuer has now."""
        try:
            async with asyncio.timeout(self._deadline_s), self._client() as client:
                found = await _document(client, self._url.rstrip("/") + DISCOVERY_PATH)
                return keys_of(await _document(client, self._keys_url(found)))
        except TimeoutError as error:
            raise IssuerUnavailableError(f"no whole answer within {self._deadline_s:g} s") from error
        except (httpx2.HTTPError, BadKeySetError, msgspec.MsgspecError, RecursionError) as error:
            raise IssuerUnavailableError(f"{type(error).__name__}: {error}") from error

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            # The certificates of the system, and of SSL_CERT_FILE.
            verify=ssl.create_default_context(),
            follow_redirects=False,
            trust_env=False,
            timeout=self._deadline_s,
            headers={"user-agent": "tidemark", "accept": "application/json", "accept-encoding": "identity"},
        )

    def _keys_url(self, discovered: Mapping[str, Any]) -> str:
        if discovered.get("issuer") != self._url:
            raise IssuerUnavailableError("the document of discovery is of another issuer")
        found = discovered.get("jwks_uri")
        if not isinstance(found, str) or not is_safe(found) or origin_of(found) != self._jwks_origin:
            raise IssuerUnavailableError(
                f"jwks_uri is not at {self._jwks_origin}: TIDEMARK_OIDC_JWKS_ORIGIN can name another origin"
            )
        return found


async def _document(client: httpx2.AsyncClient, url: str) -> Mapping[str, Any]:
    read = bytearray()
    async with client.stream("GET", url) as answer:
        if answer.status_code != httpx2.codes.OK:
            raise IssuerUnavailableError(f"HTTP {answer.status_code} from {url}")
        async for chunk in answer.aiter_raw():
            read += chunk
            if len(read) > MOST_BYTES:
                raise IssuerUnavailableError(f"more than {MOST_BYTES} bytes from {url}")
    return msgspec.json.decode(bytes(read), type=dict[str, Any])
