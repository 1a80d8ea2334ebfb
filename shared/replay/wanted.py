"""Which measures are to be counted again, and from which offsets on each counts; it counts nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.domain.definitions import Catalogue, Measure
from shared.storage.replays import Snapshot, beginnings


@dataclass(frozen=True, slots=True)
class Wanted:
    """A measure that is to be counted again.

    Attributes:
        beginnings: the first offset that counts into it, of each partition that is counted at all.
    """

    measure_id: int
    measure: Measure
    beginnings: Mapping[int, int]


async def wanted_measures(
    connection: Snapshot, catalogue: Catalogue, measure_ids: Collection[int]
) -> dict[int, Wanted]:
    """Those of *measure_ids* that the catalogue knows, by their numbers."""
    numbered = {
        catalogue.measure_ids[measure.fingerprint]: measure
        for kpi in catalogue.kpis.values()
        for measure in kpi.measures()
    }
    begun = await beginnings(connection, measure_ids)
    return {
        number: Wanted(number, numbered[number], begun[number])
        for number in measure_ids
        if number in numbered
    }
