"""What can end a benchmark, each a sentence for the person who started it."""

from pathlib import Path

from shared.domain.errors import TidemarkError

_SHOWN_LINES = 15


class BenchmarkError(TidemarkError):
    """The benchmark could not be carried out, or what it measured was wrong."""


class WrongNumberError(BenchmarkError):
    """A number was not what the generator knows it to be: the speed of wrong answers is not measured."""

    def __init__(self, what: str, *, expected: object, found: object) -> None:
        super().__init__(f"{what} should be {expected} and is {found}.")


class StandstillError(BenchmarkError):
    """What was waited for did not come."""


class ServiceEndedError(BenchmarkError):
    """A service ended by itself; the message ends with its last lines."""

    def __init__(self, name: str, *, reason: str, log: Path) -> None:
        super().__init__("\n".join([f"{name} {reason}. The end of its log:", *_last_lines(log)]))


def _last_lines(log: Path) -> list[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [f"  {line[:400]}" for line in lines[-_SHOWN_LINES:]]
