"""Log lines as events with data: JSON unless a terminal is attached; it knows no service."""

import logging
import sys

import structlog


def configure_logging(*, service: str, level: str, as_json: bool) -> None:
    """Set up structlog for the process and bind *service* to every line.

    Lines go to standard error, so that standard output stays free for results.
    """
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    # Tracebacks without local variables: those hold addresses with passwords and the data of events.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    errors = [structlog.processors.ExceptionRenderer(frames)] if as_json else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            *errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def wants_json(log_format: str) -> bool:
    """Whether lines are to be JSON: when asked for, or when no terminal reads them."""
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
