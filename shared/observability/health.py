"""Readiness as a list of named checks, each with its reason; it knows no service and no transport."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

CHECK_TIMEOUT_S = 3.0
"""A check that takes longer counts as failed: a probe must answer before its caller gives up."""


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: whether this part is ready, and why or why not."""

    ok: bool
    reason: str


Probe = Callable[[], Awaitable[Check]]


async def readiness(probes: Mapping[str, Probe]) -> dict[str, Check]:
    """Every probe's answer, asked side by side; a probe that raises or hangs is not ready."""
    answers = await asyncio.gather(*(_ask(probe) for probe in probes.values()))
    return dict(zip(probes, answers, strict=True))


async def _ask(probe: Probe) -> Check:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await probe()
    except TimeoutError:
        return Check(ok=False, reason=f"no answer within {CHECK_TIMEOUT_S:g} s")
    except Exception as error:  # noqa: BLE001 - whatever a probe dies of is the reason it reports
        return Check(ok=False, reason=f"{type(error).__name__}: {error}")
