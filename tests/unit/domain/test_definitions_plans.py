"""What applying definitions would change."""

from shared.domain.definitions import Action, Change, Difference, plan
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

NOTHING = a_catalogue()


def test_create() -> None:
    """A KPI that is not in force is created, and starts counting."""
    assert (Change("orders", Action.CREATE, 1, (), ((),)),) == plan(NOTHING, [a_kpi()])


def test_create_shares() -> None:
    """A new KPI whose measures somebody counts already does not start from nothing."""
    (change,) = plan(a_catalogue(a_kpi("other")), [a_kpi("orders")])

    assert (change.action, change.starts_counting) == (Action.CREATE, ())


def test_unchanged() -> None:
    """The same definition changes nothing, even where a default is written out."""
    assert (Change("orders", Action.UNCHANGED, 1),) == plan(a_catalogue(a_kpi()), [a_kpi(zone="UTC")])


def test_update_of_meaning() -> None:
    """A new title is a new version, and counting goes on."""
    (change,) = plan(a_catalogue(a_kpi()), [a_kpi(title="Paid orders")])

    assert Change("orders", Action.UPDATE, 2, (Difference("title", "Orders", "Paid orders"),)) == change


def test_silent_fields() -> None:
    """Empty tags, links and words of the business are as good as none: no new version."""
    written_out = a_kpi(tags=[], links={}, glossary=" ")

    assert (Change("orders", Action.UNCHANGED, 1),) == plan(a_catalogue(a_kpi()), [written_out])


def test_update_of_links() -> None:
    """A link that is added is told as a difference, and counting goes on."""
    (change,) = plan(a_catalogue(a_kpi()), [a_kpi(links={"data": "https://a.example"})])

    differences = (Difference("links", None, {"data": "https://a.example"}),)
    assert Change("orders", Action.UPDATE, 2, differences) == change


def test_update_of_measure() -> None:
    """A new filter makes counting start anew for every breakdown."""
    (change,) = plan(a_catalogue(a_kpi(breakdowns=["c"])), [a_kpi(breakdowns=["c"], where="data.x == 1")])

    assert (change.action, change.starts_counting) == (Action.UPDATE, ((), ("c",)))


def test_update_of_breakdowns() -> None:
    """A new breakdown starts counting, the total goes on."""
    (change,) = plan(a_catalogue(a_kpi()), [a_kpi(breakdowns=["c"])])

    assert change.starts_counting == (("c",),)


def test_prune() -> None:
    """Only pruning retires what is not among the definitions."""
    catalogue = a_catalogue(a_kpi("a"), a_kpi("b"))

    assert [(c.slug, c.action) for c in plan(catalogue, [a_kpi("a")])] == [("a", Action.UNCHANGED)]
    assert [(c.slug, c.action) for c in plan(catalogue, [a_kpi("a")], prune=True)] == [
        ("a", Action.UNCHANGED),
        ("b", Action.RETIRE),
    ]
