"""The keys of an issuer in memory: most requests wait for nobody, and an issuer may be away for a while."""

import asyncio
from collections.abc import Callable

import structlog
from jwt import PyJWK

from shared.access.oidc.issuers import IssuerUnavailableError, KeySource
from shared.access.oidc.key_sets import KeyName, Keys
from shared.runtime.clock import monotonic_s

log = structlog.get_logger(__name__)

REFRESH_EVERY_S = 600.0
"""How often the keys are asked for: one that the issuer withdraws is refused after about this long."""

LOOK_EVERY_S = 60.0
"""A key that is not known makes the issuer be asked, once in this time at most: whoever makes up ids of keys
does not make us load the issuer, and a new key is known a minute later at the latest.
"""

RETRY_EVERY_S = 5.0
"""How long an issuer that could not be asked is left alone."""

TRUSTED_S = 3600.0
"""For how long keys are good while the issuer is away; from then on its tokens are refused."""


class KeyCache:
    """The keys that an issuer had a moment ago. Safe to use from several tasks at once."""

    def __init__(self, source: KeySource, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._source = source
        self._now_s = now_s
        self._keys: Keys = {}
        self._loaded_s = float("-inf")
        self._asked_s = float("-inf")
        self._failure: str | None = None
        self._asking = asyncio.Lock()

    async def key(self, name: KeyName) -> PyJWK | None:
        """The key of that *name*; None where the issuer has none.

        Raises:
            IssuerUnavailableError: that is not known, as it cannot be asked.
        """
        if name not in self._trusted():
            await self._ask(every_s=LOOK_EVERY_S)
        found = self._trusted().get(name)
        if found is None and self._failure is not None:
            raise IssuerUnavailableError("the issuer of tokens cannot be asked for its keys at the moment")
        return found

    def still_has(self, name: KeyName, key: PyJWK) -> bool:
        """Whether *key* proves tokens as far as is known in memory; asks nobody."""
        return self._trusted().get(name) is key

    async def refresh(self) -> None:
        """Ask for the keys if that is due; may take seconds, and is silent about failures but for the log."""
        if self._now_s() - self._loaded_s >= REFRESH_EVERY_S:
            await self._ask(every_s=REFRESH_EVERY_S)

    def told(self) -> str:
        """What /readyz says of it."""
        if self._failure is None:
            return f"{len(self._trusted())} keys of the issuer of tokens are known"
        state = "its last keys are still good" if self._trusted() else "its tokens are refused"
        return f"the issuer of tokens cannot be asked ({self._failure}): {state}"

    def _trusted(self) -> Keys:
        return self._keys if self._now_s() - self._loaded_s < TRUSTED_S else {}

    async def _ask(self, *, every_s: float) -> None:
        async with self._asking:
            # Whoever waited for the lock finds that the issuer was asked just now.
            wait_s = every_s if self._failure is None else RETRY_EVERY_S
            if self._now_s() - self._asked_s < wait_s:
                return
            self._asked_s = self._now_s()
            try:
                found = await self._source.keys()
            except IssuerUnavailableError as error:
                self._failure = str(error)
                log.warning("issuer_not_asked", reason=self._failure)
                return
            # A key that has not changed stays the same object: what it has proved is still proved.
            self._keys = {name: _same(self._keys.get(name), key) for name, key in found.items()}
            self._loaded_s, self._failure = self._asked_s, None


def _same(known: PyJWK | None, found: PyJWK) -> PyJWK:
    return known if known is not None and known.key == found.key else found
