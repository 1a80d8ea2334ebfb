"""Settings from the environment: read once, refused in plain words."""

import pytest

from services.compute.settings import ComputeSettings
from shared.runtime.settings import CommonSettings, settings_or_exit


def test_every_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that can not use its settings says which, and why, and ends with status 2."""
    monkeypatch.setenv("TIDEMARK_COMPUTE_PORT", "eighty")
    monkeypatch.setenv("TIDEMARK_COMPUTE_FLUSH_INTERVAL_S", "-1")

    with pytest.raises(SystemExit) as ended:
        settings_or_exit(ComputeSettings)

    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert {line.partition(":")[0] for line in told} == {
        "TIDEMARK_COMPUTE_PORT",
        "TIDEMARK_COMPUTE_FLUSH_INTERVAL_S",
    }


def test_a_refused_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a variable holds may be a secret that was put in the wrong place."""
    monkeypatch.setenv("TIDEMARK_KAFKA_EVENTS_PARTITIONS", "hunter2")

    with pytest.raises(SystemExit):
        settings_or_exit(CommonSettings)

    assert "hunter2" not in capsys.readouterr().err


def test_secrets_are_masked() -> None:
    """The address of the database does not print."""
    assert "postgresql" not in repr(CommonSettings())


@pytest.mark.parametrize("name", sorted(ComputeSettings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    """Each setting says in a sentence what it is."""
    assert ComputeSettings.model_fields[name].description
