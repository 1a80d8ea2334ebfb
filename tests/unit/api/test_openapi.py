"""The OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import services.api.openapi
from tests.unit.api.builders import Memory, a_client, a_kpi, a_row
from tests.unit.api.test_alerts import ALERTS

ROOT = Path(services.api.openapi.__file__).parents[2]


def test_drift() -> None:
    """docs/openapi.json is what the code says; regenerate it with `python -m services.api.openapi`."""
    assert services.api.openapi.document() == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")


def _document() -> Any:
    return json.loads(services.api.openapi.document())


def test_problems_everywhere() -> None:
    """Every operation says that it may answer with a problem, and none with another kind of error."""
    for path, operations in _document()["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]

            assert {"4XX", "5XX"} <= set(responses), (method, path)
            assert "422" not in responses, (method, path)


def test_everything_is_described() -> None:
    """Every operation says what it does and whom it serves, and every parameter what it means."""
    names = list[str]()
    for path, operations in _document()["paths"].items():
        for method, operation in operations.items():
            told = {"summary", "description", "tags", "security"}
            silent = [each["name"] for each in operation.get("parameters", ()) if not each.get("description")]
            names.append(operation["operationId"])

            assert told == {name for name in told if operation.get(name)}, (method, path)
            assert not silent, (method, path)

    assert len(set(names)) == len(names)


def test_scopes_are_told() -> None:
    """Every operation but the open ones says which scopes it wants, by key and by token."""
    said = {
        (path, method): [name for each in operation.get("security", ()) for name in each]
        for path, operations in _document()["paths"].items()
        for method, operation in operations.items()
    }

    assert {place: names for place, names in said.items() if {"key", "token"} != set(names)} == {}


def test_names_of_schemas() -> None:
    """No two bodies share a name: the document would tell them apart by where our code keeps them."""
    assert [name for name in _document()["components"]["schemas"] if "__" in name] == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/kpis", "/v1/kpis"),
        ("/v1/kpis/departures", "/v1/kpis/{slug}"),
        ("/v1/kpis/departures/value", "/v1/kpis/{slug}/value"),
        ("/v1/kpis/departures/value?breakdown=carrier", "/v1/kpis/{slug}/value"),
        ("/v1/kpis/departures/history", "/v1/kpis/{slug}/history"),
        ("/v1/kpis/departures/compare?with=last_year&with=last_week", "/v1/kpis/{slug}/compare"),
        ("/v1/kpis/departures/trend", "/v1/kpis/{slug}/trend"),
        ("/v1/kpis/departures/contribution?breakdown=carrier", "/v1/kpis/{slug}/contribution"),
        ("/v1/values", "/v1/values"),
        ("/v1/alerts", "/v1/alerts"),
        ("/v1/kpis/nothing", None),
    ],
)
async def test_answers_keep_to_it(path: str, template: str | None) -> None:
    """What is answered is what is documented, field by field."""
    memory = Memory()
    memory.rows, memory.standing, memory.known = [a_row()], ALERTS, [(("carrier", None),)]
    rule = {"name": "many", "window": "1h", "condition": "above", "threshold": "1.50"}
    async with a_client(memory, a_kpi(alerts=[rule], target={"value": 5})) as client:
        body = (await client.get(path)).json()
    document = _document()
    schema = {"$ref": "#/components/schemas/Problem"}
    if template is not None:
        content = document["paths"][template]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(body)

    assert body
