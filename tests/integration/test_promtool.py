"""What Prometheus' own checker says of our metrics, rules and configuration."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.api.alerting.metrics import AlertMetrics
from services.api.metrics import ApiMetrics
from services.compute.metrics import Metrics as ComputeMetrics
from services.ingest.metrics import Metrics as IngestMetrics
from tests.promtool import NoPromtoolError, checked, promtool

DEPLOYED = Path(__file__).parents[2] / "deploy" / "prometheus"


def api(registry: CollectorRegistry) -> None:
    """What the API registers, the alerts' part included."""
    ApiMetrics.on(registry)
    AlertMetrics.on(registry, channels=("webhook", "topic"))


@pytest.fixture(scope="module")
def program() -> str:
    """promtool; where it cannot be had there is nothing to ask."""
    try:
        return promtool()
    except NoPromtoolError:
        pytest.skip("promtool is not on the path and Debian's package cannot be fetched")


@pytest.mark.parametrize(
    "register", [IngestMetrics.on, ComputeMetrics.on, api], ids=["ingest", "compute", "api"]
)
def test_metrics_are_well_formed(program: str, register: Callable[[CollectorRegistry], object]) -> None:
    """Names, units and help of every service keep Prometheus' conventions."""
    registry = CollectorRegistry()
    register(registry)

    assert checked(program, "check", "metrics", given=generate_latest(registry)) == (0, "")


def test_the_alerts_on_ourselves_fire_when_they_should(program: str) -> None:
    """The rules come out as their unit tests say."""
    status, printed = checked(program, "test", "rules", str(DEPLOYED / "rules_test.yml"))

    assert "SUCCESS" in printed
    assert status == 0


def test_the_configuration_is_valid(program: str) -> None:
    """Prometheus takes the configuration and its rules as they are."""
    status, printed = checked(program, "check", "config", str(DEPLOYED / "prometheus.yml"))

    assert status == 0, printed
