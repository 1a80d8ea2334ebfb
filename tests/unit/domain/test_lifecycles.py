"""Drafts, deprecation, marks and formats of KPIs: what may be said, and what others may make of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.definitions import Action, Definitions, Kpi, Scorecard, plan, problems_together
from shared.domain.definitions.currencies import CURRENCIES
from shared.domain.definitions.plans import outcome, spec_of
from shared.domain.definitions.together import warnings_together
from shared.domain.definitions.words import complaints
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi


def _refusals(**fields: Any) -> list[tuple[tuple[str | int, ...], str]]:
    try:
        a_kpi(**fields)
    except ValidationError as error:
        return [(complaint.path, complaint.message) for complaint in complaints(error, Kpi)]
    return []


def test_as_before() -> None:
    """A KPI that says nothing of all this is active, and stored as it was before there was any of it."""
    kpi = a_kpi(status="active")

    assert not kpi.is_draft
    assert spec_of(kpi) == spec_of(a_kpi())
    assert {"status", "certified", "format", "replaced_by"}.isdisjoint(spec_of(kpi))


REFUSED = [
    ({"status": "retired"}, ("status",), "status must be 'draft', 'active' or 'deprecated'"),
    ({"replaced_by": "b"}, ("replaced_by",), "replaced_by is for KPIs with the status deprecated"),
    ({"replaced_by": "orders", "status": "deprecated"}, ("replaced_by",), "a KPI is replaced by another one"),
    ({"format": {"style": "currency"}}, ("format",), "which currency? such as currency: EUR"),
    ({"format": {"currency": "EUR"}}, ("format", "currency"), "currency is for the style currency"),
    (
        {"format": {"style": "currency", "currency": "EURO"}},
        ("format", "currency"),
        "'EURO' is no code of a currency in use (ISO 4217), such as EUR",
    ),
    (
        {"unit": "EUR", "format": {"style": "currency", "currency": "USD"}},
        ("format", "currency"),
        "the unit is EUR",
    ),
    (
        {"unit": "EUR", "format": {"style": "duration"}},
        ("format", "style"),
        "the style duration needs a unit of time: ms, s, min, h, d",
    ),
    ({"format": {"decimals": 10}}, ("format", "decimals"), "decimals must be at most 9"),
    ({"format": {"digits": 2}}, ("format", "digits"), "there is no field 'digits'"),
]


@pytest.mark.parametrize(("fields", "path", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refused(fields: dict[str, Any], path: tuple[str, ...], message: str) -> None:
    """What makes no sense is refused at its field."""
    assert _refusals(**fields) == [(path, message)]


def test_formats() -> None:
    """A currency is one in use, and a length of time has a unit of time."""
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {"EUR", "USD", "JPY", "CHF"} <= CURRENCIES
    good: tuple[dict[str, Any], ...] = (
        {"unit": "EUR", "format": {"style": "currency", "currency": "EUR", "decimals": 2}},
        {"format": {"style": "currency", "currency": "JPY"}},
        {"unit": "min", "format": {"style": "duration"}},
        {"format": {"style": "percent", "decimals": 1}},
        {"format": {}},
    )
    assert [_refusals(**fields) for fields in good] == [[]] * len(good)


def _messages(*kpis: Kpi, card: Scorecard | None = None) -> list[str]:
    definitions = Definitions.of([*kpis, *([card] if card else [])])
    return [f"{each.slug}: {each.message}" for each in problems_together(definitions)]


CARD = Scorecard.model_validate({"slug": "board", "title": "B", "owner": "me", "kpis": [{"kpi": "orders"}]})


def test_drafts_are_not_there() -> None:
    """No formula and no scorecard reads a draft, and a draft may read what is not there yet."""
    draft = a_kpi(status="draft")
    share = a_kpi("share", formula="orders / 2")

    assert _messages(draft, share, card=CARD) == [
        "share: the KPI 'orders' is a draft: it has no values until its status is active",
        "board: the KPI 'orders' is a draft: it has no values until its status is active",
    ]
    assert _messages(a_kpi("share", formula="nothing / 2", status="draft")) == []
    assert _messages(a_kpi(), share, card=CARD) == []


def test_activation_counts_anew() -> None:
    """A draft starts no counting; to activate it does, and to take it back does not."""
    draft, active = a_kpi(status="draft", breakdowns=["country"]), a_kpi(breakdowns=["country"])

    (drafted,) = plan(a_catalogue(), [draft])
    (activated,) = plan(a_catalogue(others=Definitions(drafts={"orders": draft})), [active])
    (taken_back,) = plan(a_catalogue(active), [draft])

    assert (drafted.action, drafted.starts_counting) == (Action.CREATE, ())
    assert (activated.action, activated.starts_counting) == (Action.UPDATE, ((), ("country",)))
    assert (taken_back.action, taken_back.starts_counting) == (Action.UPDATE, ())
    assert outcome(a_catalogue(active), [draft]) == Definitions(drafts={"orders": draft})


def test_deprecated_uses_are_told() -> None:
    """Who goes on using what is deprecated is warned, and told what to use instead."""
    old = a_kpi(status="deprecated", replaced_by="purchases")
    share = a_kpi("share", formula="orders / 2")
    old_share = a_kpi("old_share", formula="orders / 2", status="deprecated")
    definitions = Definitions.of([old, share, old_share, CARD])

    assert problems_together(definitions) == ()
    assert [(each.slug, each.path, each.message) for each in warnings_together(definitions)] == [
        ("orders", ("replaced_by",), "there is no KPI 'purchases'"),
        ("share", ("formula",), "orders is deprecated: use purchases"),
        ("board", ("kpis", 0, "kpi"), "orders is deprecated: use purchases"),
    ]
