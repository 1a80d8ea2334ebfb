"""What a service's /metrics says, as numbers; it knows no service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Scrape:
    """Samples by name and labels; those of several processes are added up."""

    samples: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Scrape":
        """The samples of *texts*, one of each process."""
        samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for text in texts:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    samples[key] = samples.get(key, 0.0) + sample.value
        return cls(samples)

    def value(self, name: str, **labels: str) -> float:
        """The sample *name* with exactly *labels*; 0 when there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))), 0.0)

    def buckets(self, histogram: str) -> list[tuple[float, float]]:
        """Upper edge and cumulative count of every bucket of a *histogram* without other labels."""
        found = {
            float(dict(labels)["le"]): value
            for (name, labels), value in self.samples.items()
            if name == f"{histogram}_bucket"
        }
        return sorted(found.items())
