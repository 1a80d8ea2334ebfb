"""The jars of Apache Kafka: exactly those of the lock file, from wherever they can be had."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import httpx2

from services.local.failures import CommandFailedError, KafkaMissingError, LocalStackError
from services.local.processes import run

KAFKA_VERSION = "4.4.0"

_LOCK = Path(__file__).with_name("kafka.lock")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file: a Maven coordinate, and what the file must be."""

    group: str
    artifact: str
    version: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file in the cache and in a repository."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def repository_path(self) -> str:
        """Where a Maven repository keeps it."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


class ChecksumError(LocalStackError):
    """A jar is not the one the lock file names, and is not used."""

    def __init__(self, jar: Jar, *, origin: str) -> None:
        super().__init__(
            f"{jar.file_name} from {origin} does not have the checksum of services/local/kafka.lock and was "
            "not used. Look at where it came from before trying again."
        )


def locked_jars(lock: Path = _LOCK) -> list[Jar]:
    """The jars that the lock file lists."""
    lines = (line for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [_jar(*line.split()) for line in lines if line]


def _jar(coordinate: str, size: str, sha256: str) -> Jar:
    group, artifact, version = coordinate.split(":")
    return Jar(group=group, artifact=artifact, version=version, size_bytes=int(size), sha256=sha256)


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where downloads are kept: TIDEMARK_CACHE_DIR, or `tidemark` in the user's cache directory."""
    if chosen := environment.get("TIDEMARK_CACHE_DIR"):
        return Path(chosen).absolute()
    caches = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "tidemark"


async def kafka_jars(
    progress: Progress, *, environment: Mapping[str, str] = os.environ, jars: Sequence[Jar] | None = None
) -> list[Path]:
    """The files of the class path, every one of them checked against the lock file just now.

    Raises:
        KafkaMissingError: some are not in the cache and there is no way to fetch them.
        ChecksumError: a file is not what the lock file says.
    """
    jars = locked_jars() if jars is None else jars
    directory = cache_directory(environment) / "kafka" / KAFKA_VERSION
    directory.mkdir(parents=True, exist_ok=True)
    if missing := await asyncio.to_thread(_missing, jars, directory):
        home = Path(environment.get("HOME") or Path.home())
        await asyncio.to_thread(_take, missing, home / ".m2" / "repository", directory)
    if missing := _missing(missing, directory):
        await _fetch(missing, directory, environment, progress)
    return [directory / jar.file_name for jar in jars]


def _missing(jars: Iterable[Jar], directory: Path) -> list[Jar]:
    return [jar for jar in jars if not _is_good(jar, directory / jar.file_name)]


def _is_good(jar: Jar, path: Path) -> bool:
    """Whether *path* is the jar; a file that is there and differs is an error, not a gap to fill."""
    if not path.exists():
        return False
    if path.stat().st_size != jar.size_bytes or _sha256(path) != jar.sha256:
        raise ChecksumError(jar, origin=str(path.parent))
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take(jars: Iterable[Jar], repository: Path, directory: Path) -> None:
    """Copy what Maven has fetched before; needs neither Maven nor a network."""
    for jar in jars:
        path = repository / jar.repository_path
        if path.is_file():
            _keep(jar, path, directory, origin=str(path))


def _keep(jar: Jar, path: Path, directory: Path, *, origin: str) -> None:
    """Put a fetched file into the cache if it is the right one; others may be doing the same."""
    with tempfile.NamedTemporaryFile(dir=directory, delete=False) as copy:
        partial = Path(copy.name)
    try:
        shutil.copyfile(path, partial)
        if _sha256(partial) != jar.sha256:
            raise ChecksumError(jar, origin=origin)
        partial.chmod(0o644)
        partial.replace(directory / jar.file_name)
    finally:
        partial.unlink(missing_ok=True)


async def _fetch(
    jars: Sequence[Jar], directory: Path, environment: Mapping[str, str], progress: Progress
) -> None:
    size_mb = sum(jar.size_bytes for jar in jars) / 1e6
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        place = Path(temporary)
        if maven := shutil.which("mvn", path=environment.get("PATH", os.defpath)):
            progress(f"fetching Apache Kafka {KAFKA_VERSION} with mvn ({len(jars)} jars, {size_mb:.0f} MB)")
            await _fetch_with_maven(maven, jars, place)
        elif url := environment.get("TIDEMARK_MAVEN_REPOSITORY_URL"):
            progress(f"fetching Apache Kafka {KAFKA_VERSION} ({len(jars)} jars, {size_mb:.0f} MB)")
            await _fetch_from(url, jars, place)
        else:
            raise _no_way_to_fetch(directory)
        for jar in jars:
            await asyncio.to_thread(_keep, jar, place / jar.file_name, directory, origin="the repository")


def _no_way_to_fetch(directory: Path) -> KafkaMissingError:
    return KafkaMissingError(
        f"The jars of Apache Kafka {KAFKA_VERSION} are not in {directory}, and there is no way to fetch "
        "them: install Maven (mvn), or name a Maven repository in TIDEMARK_MAVEN_REPOSITORY_URL, or copy "
        "the jars that services/local/kafka.lock lists there."
    )


async def _fetch_with_maven(maven: str, jars: Iterable[Jar], place: Path) -> None:
    pom = place / "pom.xml"
    pom.write_text(_pom(jars), encoding="utf-8")
    command = [
        maven,
        "-q",
        "-B",
        "-f",
        str(pom),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={place}",
    ]
    try:
        await run(command, timeout_s=600)
    except CommandFailedError as error:
        raise KafkaMissingError(
            f"Maven could not fetch Apache Kafka {KAFKA_VERSION}: no registry was reached, or it does not "
            f"carry the version. {error}\n"
        ) from error


def _pom(jars: Iterable[Jar]) -> str:
    """A project that depends on the locked jars and on nothing they ask for."""
    dependencies = "".join(
        f"<dependency><groupId>{escape(jar.group)}</groupId><artifactId>{escape(jar.artifact)}</artifactId>"
        f"<version>{escape(jar.version)}</version><exclusions><exclusion><groupId>*</groupId>"
        "<artifactId>*</artifactId></exclusion></exclusions></dependency>\n"
        for jar in jars
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>tidemark</groupId><artifactId>kafka</artifactId>"
        f"<version>{KAFKA_VERSION}</version><packaging>pom</packaging>\n"
        f"<dependencies>\n{dependencies}</dependencies></project>\n"
    )


async def _fetch_from(url: str, jars: Iterable[Jar], place: Path) -> None:
    try:
        async with httpx2.AsyncClient(follow_redirects=True, timeout=60) as client:
            for jar in jars:
                answer = await client.get(f"{url.rstrip('/')}/{jar.repository_path}")
                answer.raise_for_status()
                (place / jar.file_name).write_bytes(answer.content)
    except httpx2.HTTPError as error:
        raise KafkaMissingError(
            f"The repository of TIDEMARK_MAVEN_REPOSITORY_URL did not give {jar.file_name}: {error}."
        ) from error
