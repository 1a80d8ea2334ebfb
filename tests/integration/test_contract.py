"""The API keeps its own document: whatever is sent to it, good or bad, and nothing it cannot answer."""

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.contract_rig import Contract, contract_api

pytestmark = pytest.mark.asyncio

HERE = Path(__file__).parent
OWN_KEY = ["rotate_key", "revoke_key"]
"""Operations that would take away the key the run is made with, once they are told its id."""

DEFINING = [
    f"{verb}_{noun}"
    for verb in ("create", "replace", "change", "retire")
    for noun in ("kpi", "objective", "scorecard", "event_type_definition")
]
"""Operations whose bodies have so many fields that every way to send each wrong is left to the night."""


async def _tried(api: Contract, *arguments: str) -> str:
    """What schemathesis says; its exit status is the last line."""
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color"]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", f"{api.url}/openapi.json"]
    command += ["-H", f"Authorization: Bearer {api.token}", "--seed", "1", *arguments]
    command += ["--generation-database", "none", "--warnings", "off"]
    with TemporaryDirectory() as scratch:  # where it keeps what it remembers of a run
        running = await asyncio.create_subprocess_exec(
            *command,
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "schemathesis_refusals"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            told, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
    return f"{told.decode()}\nexit {running.returncode}"


def _cases(told: str) -> int:
    found = re.search(r"(\d+) generated", told)
    return int(found[1]) if found else 0


def _only(operations: Sequence[str]) -> list[str]:
    return [f"--include-operation-id={name}" for name in operations]


def _but(operations: Sequence[str]) -> list[str]:
    return [f"--exclude-operation-id={name}" for name in operations]


async def _kept(api: Contract, *runs: tuple[str, int, list[str]]) -> int:
    """How many requests were answered as they had to be, in all *runs*: phases, examples, operations."""
    cases = 0
    for phases, examples, chosen in runs:
        told = await _tried(api, "--phases", phases, "-n", str(examples), *chosen)
        assert told.endswith("exit 0"), told
        cases += _cases(told)
    return cases


@pytest.mark.timeout(600)
async def test_every_operation(
    database_url: str, kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good and bad requests to every operation are answered as the document says, and never with a 5xx."""
    async with contract_api(database_url, kafka, unique, monkeypatch) as api:
        cases = await _kept(
            api,
            ("examples,coverage,fuzzing", 3, _but(OWN_KEY + DEFINING)),
            ("examples,fuzzing", 10, _only(OWN_KEY + DEFINING)),
        )

    assert cases > 2000


@pytest.mark.nightly
@pytest.mark.timeout(7200)
async def test_at_length(database_url: str, kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with many more requests, and with requests that go on from the answers of others."""
    async with contract_api(database_url, kafka, unique, monkeypatch) as api:
        cases = await _kept(
            api,
            ("examples,coverage,fuzzing,stateful", 100, _but(OWN_KEY)),
            ("examples,coverage,fuzzing", 100, _only(OWN_KEY)),
        )

    assert cases > 5000
