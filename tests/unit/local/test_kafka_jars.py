"""The jars of Kafka are exactly those of the lock file, or none."""

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.local.failures import KafkaMissingError
from services.local.kafka_jars import (
    KAFKA_VERSION,
    ChecksumError,
    Jar,
    cache_directory,
    kafka_jars,
    locked_jars,
)

CONTENT = b"what a jar holds"


def a_jar(content: bytes = CONTENT) -> Jar:
    return Jar(
        group="org.example",
        artifact="thing",
        version="1.0",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def an_environment(root: Path, **more: str) -> dict[str, str]:
    return {"TIDEMARK_CACHE_DIR": str(root / "cache"), "HOME": str(root), "PATH": str(root / "bin"), **more}


def fetched_before(root: Path, jar: Jar, content: bytes = CONTENT) -> None:
    path = root / ".m2" / "repository" / jar.repository_path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def a_maven(root: Path, script: str) -> None:
    """A program called mvn that runs *script*, with `$out` the directory it was told to fill."""
    program = root / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nfor a; do case $a in -DoutputDirectory=*) out="${{a#*=}}";; esac; done\n{script}\n'
    )
    program.chmod(0o755)


async def resolved(environment: Mapping[str, str], jar: Jar) -> list[Path]:
    return await kafka_jars(lambda _: None, environment=environment, jars=[jar])


def test_lock_names_kafka() -> None:
    """The lock file lists the server, its log binding, and a full checksum for every jar, each once."""
    jars = locked_jars()

    assert {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl"} <= {jar.artifact for jar in jars}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) and jar.size_bytes > 0 for jar in jars)
    assert len({jar.file_name for jar in jars}) == len(jars)


def test_lock_names_no_host() -> None:
    """The lock file says what the jars are, never where they are to be had."""
    assert "://" not in Path("services/local/kafka.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"TIDEMARK_CACHE_DIR": "/c"}, "/c", id="told"),
        pytest.param({"XDG_CACHE_HOME": "/x"}, "/x/tidemark", id="desktop's"),
        pytest.param({}, str(Path.home() / ".cache" / "tidemark"), id="home's"),
    ],
)
def test_cache_directory(environment: dict[str, str], expected: str) -> None:
    """The cache is where the user said, or where caches are kept."""
    assert Path(expected) == cache_directory(environment)


@pytest.mark.asyncio
async def test_local_repository_needs_no_network(tmp_path: Path) -> None:
    """A jar that Maven fetched before is taken without Maven and without a network."""
    fetched_before(tmp_path, a_jar())

    paths = await resolved(an_environment(tmp_path), a_jar())

    assert [path.read_bytes() for path in paths] == [CONTENT]


@pytest.mark.asyncio
async def test_second_time_from_cache(tmp_path: Path) -> None:
    """A jar in the cache is used although its origin has gone."""
    fetched_before(tmp_path, a_jar())
    await resolved(an_environment(tmp_path), a_jar())
    environment = an_environment(tmp_path, HOME=str(tmp_path / "elsewhere"))

    paths = await resolved(environment, a_jar())

    assert [path.read_bytes() for path in paths] == [CONTENT]


@pytest.mark.asyncio
async def test_foreign_jar_refused(tmp_path: Path) -> None:
    """A jar with another checksum is refused by name, and nothing of it stays in the cache."""
    fetched_before(tmp_path, a_jar(), content=b"what a thief holds")

    with pytest.raises(ChecksumError, match=r"thing-1\.0\.jar .* was not used"):
        await resolved(an_environment(tmp_path), a_jar())

    assert list((tmp_path / "cache").rglob("*.jar")) == []


@pytest.mark.asyncio
async def test_changed_cache_refused(tmp_path: Path) -> None:
    """A jar that changed in the cache is noticed, although it was good before and kept its size."""
    fetched_before(tmp_path, a_jar())
    [path] = await resolved(an_environment(tmp_path), a_jar())
    path.write_bytes(CONTENT[::-1])

    with pytest.raises(ChecksumError):
        await resolved(an_environment(tmp_path), a_jar())


@pytest.mark.asyncio
async def test_no_way_to_fetch(tmp_path: Path) -> None:
    """With no Maven and no repository the message names both and the way to one's own broker."""
    with pytest.raises(KafkaMissingError) as raised:
        await resolved(an_environment(tmp_path), a_jar())

    message = str(raised.value)
    assert "mvn" in message
    assert "TIDEMARK_MAVEN_REPOSITORY_URL" in message
    assert "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS" in message


@pytest.mark.asyncio
async def test_maven_fetches(tmp_path: Path) -> None:
    """Where Maven is, it is asked for exactly the missing jars and for nothing they depend on."""
    a_maven(
        tmp_path,
        f'grep -q "<artifactId>thing<" "$out/pom.xml" && printf "{CONTENT.decode()}" > "$out/thing-1.0.jar"',
    )

    paths = await resolved(
        an_environment(tmp_path, PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}"), a_jar()
    )

    assert [path.read_bytes() for path in paths] == [CONTENT]


@pytest.mark.asyncio
async def test_maven_fails(tmp_path: Path) -> None:
    """What Maven said is in the message, with the way to one's own broker."""
    a_maven(tmp_path, "echo no route to the registry; exit 1")

    with pytest.raises(
        KafkaMissingError, match=r"(?s)no route to the registry.*TIDEMARK_KAFKA_BOOTSTRAP_SERVERS"
    ):
        await resolved(an_environment(tmp_path), a_jar())


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """The address of a Maven repository on this machine that holds the jar."""
    fetched_before(tmp_path / "served", a_jar())
    handler = partial(QuietHandler, directory=str(tmp_path / "served" / ".m2" / "repository"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="repository")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without writing to the test's output."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@pytest.mark.asyncio
async def test_repository_fetches(tmp_path: Path, repository: str) -> None:
    """Without Maven the jars come from the repository that a variable names."""
    environment = an_environment(tmp_path, TIDEMARK_MAVEN_REPOSITORY_URL=repository)

    paths = await resolved(environment, a_jar())

    assert [path.read_bytes() for path in paths] == [CONTENT]


@pytest.mark.asyncio
async def test_repository_lacks_the_jar(tmp_path: Path, repository: str) -> None:
    """A repository without the version is not mistaken for one that cannot be reached."""
    environment = an_environment(tmp_path, TIDEMARK_MAVEN_REPOSITORY_URL=f"{repository}elsewhere")

    with pytest.raises(KafkaMissingError, match=r"did not give thing-1\.0\.jar: .*404"):
        await resolved(environment, a_jar())


@pytest.mark.asyncio
async def test_repository_unreachable(tmp_path: Path) -> None:
    """A repository that does not answer is named by its variable, and the jar by its file."""
    environment = an_environment(tmp_path, TIDEMARK_MAVEN_REPOSITORY_URL="http://127.0.0.1:1/maven")

    with pytest.raises(
        KafkaMissingError, match=r"TIDEMARK_MAVEN_REPOSITORY_URL did not give thing-1\.0\.jar"
    ):
        await resolved(environment, a_jar())
