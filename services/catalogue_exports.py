"""Definitions in force written as KPI files, one each; what is in them is the domain's business."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from shared.domain.definitions import Catalogue, Key, Kind
from shared.domain.definitions.kpi_texts import definition_text
from shared.domain.errors import TidemarkError, UnknownDefinitionError


class ExportError(TidemarkError):
    """The KPI files could not be written; look at the directory and its rights.

    Attributes:
        path: the file or directory at fault.
    """

    def __init__(self, path: Path, reason: str | None) -> None:
        super().__init__(f"{path} cannot be written: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Exported:
    """A definition as a document of a KPI file.

    Attributes:
        name: its slug, or the type of an event type.
        file: where it was written; None if it was not.
    """

    kind: Kind
    name: str
    version: int
    text: str
    file: Path | None


def exported(catalogue: Catalogue, keys: Sequence[Key], *, folder: Path | None) -> tuple[Exported, ...]:
    """The definitions of *keys*, all of them if there are none, written into *folder* if there is one.

    A file that is there already is written over; nothing is written unless every key is known.

    Raises:
        UnknownDefinitionError: nothing of that kind and name is in force.
        ExportError: a file could not be written; those before it are.
    """
    in_force = catalogue.definitions.by_key()
    for kind, name in keys:
        if (kind, name) not in in_force:
            raise UnknownDefinitionError(kind.noun, name)
    order = list(Kind)
    wanted = sorted(set(keys) or in_force, key=lambda key: (order.index(key[0]), key[1]))
    texts = {key: definition_text(in_force[key]) for key in wanted}
    files = {} if folder is None else _written(folder, texts)
    return tuple(
        Exported(*key, catalogue.version_of(key) or 0, text, files.get(key)) for key, text in texts.items()
    )


_FOLDERS = {
    Kind.KPI: "",
    Kind.OBJECTIVE: "objectives",
    Kind.SCORECARD: "scorecards",
    Kind.EVENT_TYPE: "event-types",
}
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


def file_of(key: Key) -> Path:
    """The file that is written for *key*; types of events may be called what no file can be."""
    kind, name = key
    digest = blake2b(name.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    stem = name if _PLAIN.fullmatch(name) else f"type-{digest}"
    return Path(_FOLDERS[kind], f"{stem}.yaml")


def _written(folder: Path, texts: Mapping[Key, str]) -> dict[Key, Path]:
    files = {key: folder / file_of(key) for key in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for key, file in files.items():
            file.parent.mkdir(exist_ok=True)
            file.write_text(texts[key], encoding="utf-8", newline="\n")
    except OSError as error:
        raise ExportError(Path(error.filename or folder), error.strerror) from error
    return files
