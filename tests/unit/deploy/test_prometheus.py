"""Prometheus finds every service, and its alerts ask for metrics that exist and say what to do."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.api.settings import ApiSettings
from services.compute.settings import ComputeSettings
from services.ingest.settings import IngestSettings
from tests.unit.deploy.metric_names import asked_for, offered

DIRECTORY = Path(__file__).parents[3] / "deploy" / "prometheus"
CONFIG: dict[str, Any] = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text(encoding="utf-8"))
RULE_FILES = sorted(DIRECTORY.glob("rules/*.yml"))
RULES: list[dict[str, Any]] = [
    rule
    for path in RULE_FILES
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]

DURATION = {"type": "string", "pattern": r"^[1-9]\d*(s|m|h)$"}
SENTENCE = {"type": "string", "minLength": 20, "maxLength": 300}
RULE_FILE = {
    "type": "object",
    "required": ["groups"],
    "additionalProperties": False,
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "rules"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "interval": DURATION,
                    "rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/alert"}},
                },
            },
        }
    },
    "$defs": {
        "alert": {
            "type": "object",
            "required": ["alert", "expr", "labels", "annotations"],
            "additionalProperties": False,
            "properties": {
                "alert": {"type": "string", "pattern": "^Tidemark[A-Z][A-Za-z]+$"},
                "expr": {"type": "string"},
                "for": DURATION,
                "labels": {
                    "type": "object",
                    "required": ["severity"],
                    "additionalProperties": False,
                    "properties": {"severity": {"enum": ["page", "ticket"]}},
                },
                "annotations": {
                    "type": "object",
                    "required": ["summary", "description"],
                    "additionalProperties": False,
                    "properties": {"summary": SENTENCE, "description": SENTENCE},
                },
            },
        }
    },
}


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_structure(path: Path) -> None:
    """Every rule has an expression, a severity, a summary and what to do."""
    jsonschema.Draft202012Validator(RULE_FILE).validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_rules_are_loaded() -> None:
    """The files that exist are those that Prometheus reads."""
    loaded = sorted(path for pattern in CONFIG["rule_files"] for path in DIRECTORY.glob(pattern))

    assert loaded == RULE_FILES
    assert RULE_FILES


def test_names_are_unique() -> None:
    """An alert's name means one thing."""
    names = [rule["alert"] for rule in RULES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_metrics_exist(rule: dict[str, Any]) -> None:
    """An alert on a metric that nobody offers would never fire."""
    assert asked_for(rule["expr"]) <= offered()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_brackets_are_closed(rule: dict[str, Any]) -> None:
    """An expression that was cut off would stop Prometheus from starting."""
    assert all(rule["expr"].count(left) == rule["expr"].count(right) for left, right in ("()", "[]", "{}"))


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("ingest", IngestSettings.model_fields["ingest_port"].default),
        ("compute", ComputeSettings.model_fields["compute_port"].default),
        ("api", ApiSettings.model_fields["api_port"].default),
    ],
)
def test_every_service_is_scraped(name: str, port: int) -> None:
    """All instances of each service are found by name, on the port they listen on by default."""
    jobs = {job["job_name"]: job for job in CONFIG["scrape_configs"]}
    [discovery] = jobs[f"tidemark-{name}"]["dns_sd_configs"]

    assert (discovery["names"], discovery["type"], discovery["port"]) == ([name], "A", port)
