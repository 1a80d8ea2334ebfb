"""The dashboards load by themselves and show metrics that exist."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.deploy.metric_names import asked_for, offered

ROOT = Path(__file__).parents[3]
DIRECTORY = ROOT / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(DIRECTORY.glob("dashboards/*.json"))
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    across = range(place["x"], place["x"] + place["w"])
    down = range(place["y"], place["y"] + place["h"])
    return set(itertools.product(across, down))


def test_two_dashboards() -> None:
    """There is one for operations and one for the KPIs, each with an address of its own."""
    assert list(DASHBOARDS) == ["kpis", "operations"]
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == 2


@pytest.mark.parametrize("name", DASHBOARDS)
def test_metrics_exist(name: str) -> None:
    """No panel asks for a metric that nobody offers."""
    asked = frozenset().union(*(asked_for(query) for query in queries(DASHBOARDS[name])))

    assert asked
    assert asked <= offered()


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_say_what_they_show(name: str) -> None:
    """Every panel has a title, a sentence, a query and a number of its own."""
    panels = DASHBOARDS[name]["panels"]

    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    """Every panel has its place on a grid of 24 columns."""
    taken = [cells(panel) for panel in DASHBOARDS[name]["panels"]]

    assert all(0 <= x < 24 for x, _ in set().union(*taken))
    assert sum(map(len, taken)) == len(set().union(*taken))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_any_data_source(name: str) -> None:
    """A dashboard asks the data source that is chosen at its top, so that it works in another Grafana."""
    dashboard = DASHBOARDS[name]

    assert dashboard["templating"]["list"][0]["type"] == "datasource"
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${datasource}"}


def test_provisioned() -> None:
    """Grafana finds the dashboards where the compose file puts them."""
    provider = yaml.safe_load(
        (DIRECTORY / "provisioning" / "dashboards" / "tidemark.yml").read_text(encoding="utf-8")
    )
    path = provider["providers"][0]["options"]["path"]

    assert f"./deploy/grafana/dashboards:{path}:ro" in COMPOSE["services"]["grafana"]["volumes"]
