"""Which files a command of `tidemark kpi` means, and their texts; it knows nothing of their content."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from shared.domain.definitions import DefinitionError, Place, Problem
from shared.domain.definitions.kpi_files import MAX_BYTES

SUFFIXES = frozenset((".yaml", ".yml"))
"""What a KPI file in a directory ends in; a file that is named outright may end in anything."""


def kpi_texts(paths: Iterable[Path]) -> dict[str, str]:
    """The text of every file of *paths*, by its name; directories are searched all the way down.

    Raises:
        DefinitionError: a file is no text.
        typer.BadParameter: there is no file at all.
    """
    files = list(dict.fromkeys(file for path in paths for file in _files(path)))
    if not files:
        raise typer.BadParameter("there is no *.yaml or *.yml in there")
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            texts[str(file)] = _text(file)
        except (UnicodeDecodeError, OSError) as error:
            problems.append(Problem(_reason(error), place=Place(str(file), 1, 1, "")))
    if problems:
        raise DefinitionError(problems)
    return texts


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    else:
        yield path


def _text(file: Path) -> str:
    # One byte past the limit is enough to be refused, however large the file is.
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1).decode("utf-8", errors="strict")


def _reason(error: UnicodeDecodeError | OSError) -> str:
    if isinstance(error, OSError):
        return f"the file cannot be read: {error.strerror}"
    return f"the file is not UTF-8 text: byte {error.start} is not"
