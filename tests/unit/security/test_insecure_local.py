"""Leaving keys out: on loopback only, and never quietly."""

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from services import cli
from services.api.settings import ApiSettings
from services.ingest.settings import IngestSettings
from shared.access.doors import LockedDoor, OpenDoor
from shared.access.opening import door_on
from shared.access.settings import AccessSettings
from shared.runtime.settings import settings_or_exit
from shared.storage.engine import open_engine


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
@pytest.mark.parametrize("kind", [ApiSettings, IngestSettings])
def test_on_loopback(kind: type[AccessSettings], host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody else can connect, keys may be left out."""
    monkeypatch.setenv("TIDEMARK_INSECURE_LOCAL", "true")
    monkeypatch.setenv("TIDEMARK_HTTP_HOST", host)

    assert settings_or_exit(kind).insecure_local is True


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "api", "localhost.example", ""])  # noqa: S104
@pytest.mark.parametrize("kind", [ApiSettings, IngestSettings])
def test_not_elsewhere(
    kind: type[AccessSettings],
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where others can connect, the process does not start and says why."""
    monkeypatch.setenv("TIDEMARK_INSECURE_LOCAL", "true")
    monkeypatch.setenv("TIDEMARK_HTTP_HOST", host)
    with pytest.raises(SystemExit) as ended:
        settings_or_exit(kind)

    assert ended.value.code == 2
    assert "TIDEMARK_INSECURE_LOCAL: " in capsys.readouterr().err


@pytest.mark.asyncio
async def test_loudly() -> None:
    """Where nobody is asked, the log warns and /readyz says so; by default everybody is asked."""
    engine = open_engine("postgresql://127.0.0.1:1/none", application_name="tests")
    with capture_logs() as lines:
        door = door_on(engine, ApiSettings(insecure_local=True))
        usual = door_on(engine, ApiSettings())

    assert isinstance(door, OpenDoor)
    assert isinstance(usual, LockedDoor)
    assert [(line["event"], line["log_level"]) for line in lines] == [("no_keys_asked", "warning")]
    assert (await door.told()).startswith("INSECURE")


def test_flag_of_compute() -> None:
    """Compute asks nobody anyway: the flag is refused rather than ignored."""
    result = CliRunner().invoke(cli.build(called="serve"), ["serve", "compute", "--insecure-local"])

    assert result.exit_code == 2
    assert "leave --insecure-local out" in " ".join(result.output.split())


@pytest.mark.parametrize("service", ["api", "ingest"])
def test_flag_is_the_setting(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is checked like the variable: with an address that others reach nothing starts."""
    monkeypatch.setenv("TIDEMARK_INSECURE_LOCAL", "false")
    monkeypatch.setenv("TIDEMARK_HTTP_HOST", "0.0.0.0")  # noqa: S104 - what is refused
    result = CliRunner().invoke(cli.build(called="serve"), ["serve", service, "--insecure-local"])

    assert result.exit_code == 2
    assert "TIDEMARK_INSECURE_LOCAL: " in result.stderr


@pytest.mark.parametrize(
    "origins",
    ["*", "https://*.example.com", "https://a.example/", "a.example", "null", "ftp://a", "https://A.example"],
)
def test_origins_are_exact(origins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An origin is written as browsers send it; patterns, paths and the null origin are refused."""
    monkeypatch.setenv("TIDEMARK_API_CORS_ORIGINS", f"https://kpis.example.com,{origins}")
    with pytest.raises(SystemExit):
        settings_or_exit(ApiSettings)


def test_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several origins stand in one variable."""
    monkeypatch.setenv("TIDEMARK_API_CORS_ORIGINS", "https://kpis.example.com, http://127.0.0.1:5173")

    assert settings_or_exit(ApiSettings).api_cors_origins == (
        "https://kpis.example.com",
        "http://127.0.0.1:5173",
    )
