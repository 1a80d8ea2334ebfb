"""The compose file is valid, starts things in order, and opens nothing it need not."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.api.settings import ApiSettings
from services.compute.settings import ComputeSettings
from services.ingest.settings import IngestSettings
from shared.runtime.settings import CommonSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

#: Our own, which need nothing of the machine; the servers of others keep what their images need.
OURS = ("migrate", "ingest", "compute", "api")

PORTS = {
    "ingest": IngestSettings.model_fields["ingest_port"].default,
    "compute": ComputeSettings.model_fields["compute_port"].default,
    "api": ApiSettings.model_fields["api_port"].default,
}


def test_schema() -> None:
    """The file is valid by the schema of the Compose specification (schemas/, Apache-2.0)."""
    schema = json.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


def test_all_there() -> None:
    """Kafka, PostgreSQL, the migration and the three services start without a profile."""
    default = {name for name, service in SERVICES.items() if not service.get("profiles")}

    assert default == {"kafka", "postgres", *OURS}


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_observability_on_demand(name: str) -> None:
    """Prometheus and Grafana start when their profile is asked for."""
    assert SERVICES[name]["profiles"] == ["observability"]


@pytest.mark.parametrize("name", OURS)
def test_ours_are_hardened(name: str) -> None:
    """Our containers run as a number that is not root, change nothing on disk, and can gain no rights."""
    service = SERVICES[name]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_new_privileges(name: str) -> None:
    """No process in any container can gain rights it did not start with, and none is privileged."""
    service = SERVICES[name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_memory_is_bounded(name: str) -> None:
    """No container can take the machine's memory."""
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_health_is_checked(name: str) -> None:
    """Everything that stays up says whether it is healthy, within a bounded time."""
    check = SERVICES[name]["healthcheck"]

    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_health_of_ours(name: str, port: int) -> None:
    """Our services are asked at /healthz on the port they listen on by default."""
    program = SERVICES[name]["healthcheck"]["test"][-1]

    assert f"http://127.0.0.1:{port}/healthz" in program
    compile(program, "healthcheck", "exec")


@pytest.mark.parametrize("name", PORTS)
def test_order(name: str) -> None:
    """Our services start when Kafka and PostgreSQL are healthy and the schema is in place."""
    assert SERVICES[name]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


@pytest.mark.parametrize("name", PORTS)
def test_commands(name: str) -> None:
    """Each of our services is the one image told to serve one thing."""
    assert (SERVICES[name]["image"], SERVICES[name]["command"]) == ("tidemark:local", ["serve", name])


@pytest.mark.parametrize("name", PORTS)
def test_time_to_stop(name: str) -> None:
    """A service is given longer to stop than it gives its own jobs."""
    grace_s = CommonSettings.model_fields["shutdown_grace_s"].default

    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > grace_s


@pytest.mark.parametrize("name", OURS)
def test_keys_are_asked(name: str) -> None:
    """Nothing is left open: keys are asked for, and /metrics is open only where that is said outside."""
    given = SERVICES[name]["environment"]

    assert "TIDEMARK_INSECURE_LOCAL" not in given
    assert given.get("TIDEMARK_API_METRICS_OPEN", "false").endswith("false}" if name == "api" else "false")


def test_loopback_only() -> None:
    """Nothing is published beyond this machine."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_images_are_pinned(name: str) -> None:
    """Images of others carry a version, so that tomorrow's start is today's."""
    assert re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)*", SERVICES[name]["image"])


@pytest.mark.parametrize("name", OURS)
def test_settings_exist(name: str) -> None:
    """Every TIDEMARK_ variable given is one that the services read."""
    kinds: dict[str, type[CommonSettings]] = {"ingest": IngestSettings, "api": ApiSettings}
    fields = kinds.get(name, CommonSettings).model_fields
    known = {f"TIDEMARK_{field.upper()}" for field in fields}

    assert {key for key in SERVICES[name]["environment"] if key.startswith("TIDEMARK_")} <= known


def test_mounts_exist() -> None:
    """Every file of the checkout that a container reads is there, and it cannot change it."""
    mounts = [
        mount
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if mount.startswith(".")
    ]

    assert all(mount.endswith(":ro") for mount in mounts)
    assert all((ROOT / mount.split(":")[0]).is_dir() for mount in mounts)
