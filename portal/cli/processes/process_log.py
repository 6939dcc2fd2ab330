"""What a site's processes write to standard error: one JSON object a line."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def log_to_stderr(*, with_process: bool = False) -> None:
    """Write one JSON object a line; libraries' own records too, from warnings on.

    ``with_process`` says which of several processes writes: its number is in each line.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_add_process] if with_process else []),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _add_process(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    line["process"] = os.getpid()
    return line
