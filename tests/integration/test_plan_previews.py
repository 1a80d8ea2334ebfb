"""`tidemark kpi plan` with cost and shadow values, over a log in memory beside a real database."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services import catalogue_previews
from services.catalogue import FAILED, app
from shared.runtime.clock import utc_now
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import counting
from tests.integration.preview_rig import MemoryPreviewLog
from tests.integration.replay_rig import Remembering, of_one
from tests.unit.compute.builders import an_event
from tests.unit.domain.kpi_builders import a_kpi

ORDERS = """\
apiVersion: tidemark/v1
kind: KPI
slug: orders
title: Orders
category: operational
owner: sales
windows: [1h, 24h]
event_type: order.paid
aggregate: count
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def _log(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in which orders are counted, and the log that they came by: one every ten minutes."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    now = utc_now()

    async def counted() -> MemoryLog:
        kpis = [
            a_kpi("orders", category="operational", windows=["1h", "24h"]),
            a_kpi("half", formula="orders / 2", windows=["24h"]),
        ]
        async with counting(database_url, kpis) as one:
            mine = Remembering(one)
            await one.take_over([0])
            events = [
                an_event(
                    n, ago=timedelta(minutes=10 * n + 1), now=now, data={"shop": ("Rom", "Paris")[n % 2]}
                )
                for n in range(144)
            ]
            await mine.flush(of_one(*events))
        return mine.log

    log = asyncio.run(counted())
    monkeypatch.setattr(catalogue_previews, "KafkaLog", lambda _: MemoryPreviewLog(log))


def a_change(folder: Path, *, more: str) -> str:
    """A KPI file that changes the orders."""
    path = folder / "orders.yaml"
    path.write_text(ORDERS + more, "utf-8")
    return str(path)


def body(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("_log")
def test_cost(tmp_path: Path) -> None:
    """A plan says what each breakdown that starts counting costs, at the rate of the last day."""
    told = body("plan", a_change(tmp_path, more="breakdowns: [shop]\n"))
    (cost,) = told["cost"]

    assert [cost[name] for name in ("kpi", "breakdown", "series")] == ["orders", ["shop"], 2]
    # Two shops, one every twenty minutes each: 144 panes of 10 s and of a minute, and so on.
    assert 0.8 < cost["rows_per_day"] / (144 + 144 + 144 + 48 + 2) < 1.05
    assert cost["bytes_kept"] == cost["rows_kept"] * 275
    assert told["read"]["records"] == 144
    assert "shadow" not in told


@pytest.mark.usefixtures("_log")
def test_nothing_to_read(tmp_path: Path) -> None:
    """Where nothing changes, the log is left alone."""
    assert set(body("plan", a_change(tmp_path, more=""))) == {"changes"}


@pytest.mark.usefixtures("_log")
def test_shadow(tmp_path: Path) -> None:
    """Old and new values stand side by side, of the KPI that changes and of the formula that reads it."""
    path = a_change(tmp_path, more="where: data.shop == 'Rom'\n")

    told = body("plan", path, "--shadow", "--from", "now-2h", "--step", "1h")

    assert [(each["kpi"], each["window"], len(each["items"])) for each in told["shadow"]] == [
        ("half", "24h", 3),
        ("orders", "1h", 3),
        ("orders", "24h", 3),
    ]
    last = [each["items"][-1] for each in told["shadow"]]
    assert [(each["before"], each["after"], each["difference"]) for each in last] == [
        ("72", "36", "-36"),
        ("6", "3", "-3"),
        ("144", "72", "-72"),
    ]


@pytest.mark.usefixtures("_log")
def test_people(tmp_path: Path) -> None:
    """People get tables: what it costs, what is odd, and where values differ."""
    result = run(
        "plan", a_change(tmp_path, more="where: data.shop == 'Rom'\n"), "--shadow", "--window", "24h"
    )

    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "orders total" in words
    assert "it has no target" in words
    assert "orders 24h 13 12 144 72 -72" in words
    assert "half over 24h" in words


@pytest.mark.usefixtures("_log")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "yesterday"), "from: write an RFC 3339 time"),
        (("--from", "now", "--to", "now-1h"), "to: lies before from"),
        (("--step", "often"), "step: write a length"),
        (("--limit-records", "5"), "may be read for one"),
    ],
)
def test_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """An option that means nothing, and a log that is too long, are told in words."""
    result = run("plan", a_change(tmp_path, more="where: data.shop == 'Rom'\n"), "--shadow", *arguments)

    assert result.exit_code == FAILED
    assert words in result.stderr


def test_without_kafka(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan holds without Kafka, less its cost; values side by side need it."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    path = a_change(tmp_path, more="")

    told = body("plan", path)
    shadow = run("plan", path, "--shadow")

    assert (told["cost"], [each["action"] for each in told["changes"]]) == (None, ["create"])
    assert "Kafka" in told["cost_unknown"] or "127.0.0.1" in told["cost_unknown"]
    assert shadow.exit_code == FAILED
