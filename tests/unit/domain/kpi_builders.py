"""KPIs with defaults, for tests that care about a field or two."""

from typing import Any

from shared.domain.definitions import Catalogue, Definitions, Kpi


def a_kpi(slug: str = "orders", **fields: Any) -> Kpi:
    """A KPI that counts orders, unless *fields* say otherwise."""
    source = {} if "formula" in fields else {"event_type": "order.paid", "aggregate": "count"}
    meaning = {"title": "Orders", "category": "operational", "owner": "sales", "windows": ["5m"]}
    return Kpi.model_validate({"slug": slug, **meaning, **source, **fields})


def a_catalogue(*kpis: Kpi, revision: int = 1, others: Definitions | None = None) -> Catalogue:
    """The catalogue of *kpis* and the *others* that are none, each in its first version."""
    others = others or Definitions()
    measures = dict.fromkeys(measure.fingerprint for kpi in kpis for measure in kpi.measures())
    return Catalogue(
        revision=revision,
        kpis={kpi.slug: kpi for kpi in kpis},
        versions={kpi.slug: 1 for kpi in kpis},
        measure_ids={fingerprint: number for number, fingerprint in enumerate(measures, 1)},
        objectives=others.objectives,
        scorecards=others.scorecards,
        event_types=others.event_types,
        drafts=others.drafts,
        other_versions=dict.fromkeys(others.by_key(), 1),
    )
