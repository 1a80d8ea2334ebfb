"""When failed notices are tried again, and when they are given up."""

from datetime import timedelta

import pytest

from services.api.channels import topic, webhook


@pytest.mark.parametrize(
    ("attempts", "wait_s"),
    [(1, 5), (2, 300), (3, 1800), (4, 7200), (5, 18_000), (6, 36_000), (7, None)],
)
def test_webhook_schedule(attempts: int, wait_s: int | None) -> None:
    """A webhook is tried seven times over about 18 hours and then given up."""
    wait = webhook.RETRIES.wait_after(attempts, spread=0.5)

    assert wait == (None if wait_s is None else timedelta(seconds=wait_s))


@pytest.mark.parametrize(("spread", "wait_s"), [(0.0, 4), (0.5, 5), (1.0, 6)])
def test_jitter(spread: float, wait_s: int) -> None:
    """Waits are spread by a fifth to both sides."""
    assert webhook.RETRIES.wait_after(1, spread=spread) == timedelta(seconds=wait_s)


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 1), (4, 60), (5, 60), (10_000, 60)])
def test_topic_schedule(attempts: int, wait_s: int) -> None:
    """Our own topic is tried until it works, every minute in the end."""
    assert topic.RETRIES.wait_after(attempts, spread=0.5) == timedelta(seconds=wait_s)
