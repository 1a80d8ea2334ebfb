"""What an operator may say about alerts, and what is refused at the start."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from services.api.alerting.settings import AlertSettings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def said(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AlertSettings:
    """The settings under TIDEMARK_ALERT_*."""
    for name, value in variables.items():
        monkeypatch.setenv(f"TIDEMARK_ALERT_{name.upper()}", value)
    return AlertSettings()


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word there is no webhook and no way inside."""
    settings = said(monkeypatch)

    assert (settings.alert_webhook_url, settings.alert_webhook_allow_networks) == (None, ())


def test_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks come as a comma separated list."""
    settings = said(monkeypatch, webhook_allow_networks="127.0.0.0/8, ::1/128")

    assert settings.alert_webhook_allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_secret_stays_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret shows up neither in the settings as text nor in the complaint about them."""
    settings = said(monkeypatch, webhook_url="https://hooks.example/a", webhook_secret=SECRET)
    with pytest.raises(ValidationError) as caught:
        said(monkeypatch, webhook_secret="whsec_dG9vc2hvcnQ=")

    assert SECRET not in repr(settings)
    assert "dG9vc2hvcnQ=" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://hooks.example/a", ""),
        ("https://hooks.example/a", "sesame"),
        ("ftp://hooks.example/a", SECRET),
        ("https://user:word@hooks.example/a", SECRET),
        ("https://", SECRET),
        ("https://0177.0.0.1/", SECRET),
        ("https://hooks.example/" + "a" * 2048, SECRET),
    ],
)
def test_refused(monkeypatch: pytest.MonkeyPatch, url: str, secret: str) -> None:
    """A webhook that could not be posted to or not be signed is refused at the start."""
    with pytest.raises(ValidationError):
        said(monkeypatch, webhook_url=url, webhook_secret=secret)
