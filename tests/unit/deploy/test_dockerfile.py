"""The image is built by the book and runs as nobody in particular."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LINES = DOCKERFILE.read_text(encoding="utf-8").splitlines()


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def test_hadolint() -> None:
    """Hadolint has nothing to say, not even as advice."""
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [program, "--failure-threshold", "style", DOCKERFILE], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("", 0)


def test_numeric_user() -> None:
    """The image itself names a user by number, so that it is not root wherever it runs."""
    [user] = instructions("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_same_python_in_both_stages() -> None:
    """What was compiled in the first stage runs on the same Python in the second."""
    images = {image.split(" AS ")[0] for image in instructions("FROM")}

    assert images == {"python:3.12-slim"}


def test_hashes_required() -> None:
    """No dependency gets into the image that the lock file does not know by its hash."""
    assert any("--require-hashes -r requirements.lock" in line for line in instructions("RUN"))


def test_only_what_is_needed() -> None:
    """The build sees nothing of the checkout but what the image copies."""
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert "*" in ignored
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
