"""Logs: one JSON object a line in production, lines to read in development; always on stderr."""

import logging
import sys

import structlog

from server.settings import Profile


def configure(profile: Profile) -> None:
    """For structlog and for the libraries that use Python's own logging."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if profile is Profile.PRODUCTION:
        shown: list[structlog.types.Processor] = [
            # Without the variables of each frame: they hold tokens and people.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ]
    else:
        shown = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    uvicorn = logging.getLogger("uvicorn.error")
    # A line for every socket that opens; /metrics counts them.
    uvicorn.setLevel(logging.WARNING)
    uvicorn.addFilter(_is_no_breaking_off)


def _is_no_breaking_off(record: logging.LogRecord) -> bool:
    """A download that ends early says so itself (server/files.py), and is no server's error."""
    return record.msg != "ASGI callable returned without completing response."
