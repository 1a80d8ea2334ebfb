"""What can go wrong in the demo, each a sentence for the person who started it."""

from pathlib import Path

from services.local.failures import LocalStackError

_SHOWN_LINES = 15


class SourceTreeMissingError(LocalStackError):
    """The demo cannot find its KPI files."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing: the demo's KPI files and the oracle that judges its numbers are only in the"
            " source tree. Clone the repository and run `make demo` there."
        )


class AlreadyRunningError(LocalStackError):
    """Another demo writes to the same directory."""

    def __init__(self, logs: Path) -> None:
        super().__init__(f"A demo is running already with its files in {logs}: end it first, with Ctrl-C.")


class ServiceDiedError(LocalStackError):
    """A service ended although nobody had stopped it; the message ends with its last lines."""

    def __init__(self, service: str, *, code: int | None, log: Path) -> None:
        ended = f"ended with code {code}" if code is not None else "did not become ready"
        super().__init__("\n".join([f"The {service} service {ended}. Its log is {log}", *last_lines(log)]))


class TooSlowError(LocalStackError):
    """The demo waited for something and gave up."""


class NotEmptyError(LocalStackError):
    """The servers hold what the demo would mix with its own."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} The demo needs servers without earlier data of Tidemark. Unset"
            " TIDEMARK_KAFKA_BOOTSTRAP_SERVERS and TIDEMARK_DATABASE_URL to let it start its own, or remove"
            " the topics and the tables."
        )


class OracleFailedError(LocalStackError):
    """The oracle did not answer; the message ends with what it wrote."""

    def __init__(self, written: str) -> None:
        super().__init__(f"The oracle failed:\n{written.strip()[-2000:]}")


class ApiFailedError(LocalStackError):
    """The API has no value for a question; the message has what it said instead."""

    def __init__(self, kpi: str, said: str) -> None:
        super().__init__(f"The API has no value of {kpi}: {said}")


def last_lines(log: Path) -> list[str]:
    """The end of a log, indented, for a message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [f"  {line[:400]}" for line in lines[-_SHOWN_LINES:]]
