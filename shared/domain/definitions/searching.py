"""Which KPIs somebody means who types a few words; it knows no page and no address."""

import unicodedata
from enum import IntEnum
from functools import lru_cache

from shared.domain.definitions.kpis import Kpi


class Hit(IntEnum):
    """How near a KPI is to what was typed; nearer comes first."""

    NAMED = 0
    """Its slug and title have all the words."""

    TOLD = 1
    """Some of the words are only in what is told about it."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of *text* as `hit` compares them, each once; none if there is nothing to look for."""
    return tuple(dict.fromkeys(folded(text).split()))


def hit(kpi: Kpi, words: tuple[str, ...]) -> Hit | None:
    """How *kpi* is found by *words*, which stand in it whole or as parts of words; None if one is missing."""
    names = folded(f"{kpi.slug}\n{kpi.title}")
    missing = [word for word in words if word not in names]
    if not missing:
        return Hit.NAMED
    told = folded(_told(kpi))
    return Hit.TOLD if all(word in told for word in missing) else None


# A thousand KPIs with accents take 40 ms to fold (measured), and each search would fold them again.
@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """*text* without case and accents, in which lookalikes for compatibility are one (Unicode, NFKD)."""
    if text.isascii():
        return text.lower()
    # Folding the case can bring forth accents, so what is taken apart is folded and taken apart again.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def _told(kpi: Kpi) -> str:
    texts = (kpi.description, kpi.glossary, kpi.owner, *kpi.objective, *kpi.tags, *kpi.department)
    return "\n".join(texts)
