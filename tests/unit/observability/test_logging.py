"""Log lines: events with data, on standard error, and nothing that is secret."""

import json

import pytest
import structlog

from shared.observability.logging import configure_logging, wants_json

SECRET = "-".join(["correct", "horse", str(1)])


def fail(password: str) -> None:
    """Raise with a secret among the local variables."""
    raise ValueError(str(len(password)))


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_tracebacks_hold_no_variables(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: FBT001
    """What a failed function held, such as an address with its password, does not reach the log."""
    configure_logging(service="tests", level="info", as_json=as_json)
    try:
        fail(SECRET)
    except ValueError:
        structlog.get_logger().exception("it_failed")
    printed = capsys.readouterr().err

    assert "it_failed" in printed
    assert "in fail" in printed or '"name": "fail"' in printed
    assert SECRET not in printed


def test_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one JSON object with the event, the level, the time and the service."""
    configure_logging(service="tests", level="info", as_json=True)
    structlog.get_logger().info("it_happened", partition=3)
    line = json.loads(capsys.readouterr().err)

    assert line.pop("ts").endswith("Z")
    assert line == {"event": "it_happened", "partition": 3, "level": "info", "service": "tests"}


def test_quiet_levels_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is printed."""
    configure_logging(service="tests", level="warning", as_json=True)
    structlog.get_logger().info("it_happened")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("asked", "json_wanted"), [("json", True), ("console", False)])
def test_the_format_can_be_chosen(asked: str, json_wanted: bool) -> None:  # noqa: FBT001
    """A format that is asked for is used whether or not a terminal is attached."""
    assert wants_json(asked) is json_wanted
