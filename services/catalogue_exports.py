"""KPIs in force written as KPI files, one each; what is in them is the domain's business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.domain.definitions import Catalogue
from shared.domain.definitions.kpi_texts import kpi_text
from shared.domain.errors import TidemarkError, UnknownKpiError


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
    """A KPI as a document of a KPI file.

    Attributes:
        file: where it was written; None if it was not.
    """

    slug: str
    version: int
    text: str
    file: Path | None


def exported(catalogue: Catalogue, slugs: Sequence[str], *, folder: Path | None) -> tuple[Exported, ...]:
    """The KPIs of *slugs*, all of them if there are none, by slug, written into *folder* if there is one.

    A file that is there already is written over; nothing is written unless every slug is known.

    Raises:
        UnknownKpiError: there is no KPI of that slug.
        ExportError: a file could not be written; those before it are.
    """
    for slug in slugs:
        if slug not in catalogue.kpis:
            raise UnknownKpiError(slug)
    wanted = sorted(set(slugs) or catalogue.kpis)
    texts = {slug: kpi_text(catalogue.kpis[slug]) for slug in wanted}
    files = {} if folder is None else _written(folder, texts)
    return tuple(
        Exported(slug, catalogue.versions[slug], text, files.get(slug)) for slug, text in texts.items()
    )


def _written(folder: Path, texts: Mapping[str, str]) -> dict[str, Path]:
    files = {slug: folder / f"{slug}.yaml" for slug in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for slug, file in files.items():
            file.write_text(texts[slug], encoding="utf-8", newline="\n")
    except OSError as error:
        raise ExportError(Path(error.filename or folder), error.strerror) from error
    return files
