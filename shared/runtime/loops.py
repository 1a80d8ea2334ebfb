"""Running a process's coroutine on the fast event loop, with its failure as the exit status."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import structlog
import uvloop

from shared.runtime.lifecycle import StoppedBeforeStartError

log = structlog.get_logger(__name__)


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* to its end; exit with status 1 and the causes in the log when it fails."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except StoppedBeforeStartError:
        log.info("stopped_before_start")
    except ExceptionGroup as failures:
        for failure in failures.exceptions:
            log.exception("process_failed", error=repr(failure), exc_info=failure)
        sys.exit(1)
    except Exception as failure:
        log.exception("process_failed", error=repr(failure), exc_info=failure)
        sys.exit(1)
