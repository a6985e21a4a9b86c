"""Structured logs on standard error: one line an event, for a person or for a machine."""

from __future__ import annotations

import re
from typing import Any

import structlog

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("console", "json")

SECRET = re.compile(r"\b(live|hr)_[a-z2-7]{30,}")
"""Stream keys and API tokens, as `accounts.secrets` makes them."""

QUIETER: dict[str, dict[str, Any]] = {
    # One line a request is the front proxy's business; a playlist reload comes every 0.4 s per viewer. The handlers
    # are taken away because uvicorn brings its own, which would print beside ours.
    "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
    "daphne.http_protocol": {"level": "WARNING"},
    "django.channels.server": {"level": "WARNING"},
    # A line for each pair of addresses that ICE tries.
    "aioice": {"level": "WARNING"},
    # Two lines a segment and broadcast; what matters about a live task is said where it is decided.
    "celery.worker.strategy": {"level": "WARNING"},
    "celery.app.trace": {"level": "WARNING"},
    # Flower tells an address that `make run` prints itself, and of each worker that is busy when asked.
    "flower": {"level": "WARNING"},
    "flower.inspector": {"level": "ERROR"},
}


def configure(*, level: str, form: str, colour: bool) -> dict[str, Any]:
    """Sets structlog up and returns Django's LOGGING, so that the standard library's records look alike.

    `level` is one of LEVELS, `form` one of FORMATS; `colour` is for the console only.
    """
    machine = form == "json"
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if machine else "%H:%M:%S", utc=machine),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": "structlog.stdlib.ProcessorFormatter",
        "foreign_pre_chain": processors,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers(machine, colour)],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": QUIETER,
    }


def without_secrets(_logger: Any, _method: str, line: str) -> str:
    """The line, secrets cut off after their label: nobody logs one on purpose, but an error may quote what came."""
    return SECRET.sub(r"\1_…", line)


def renderers(machine: bool, colour: bool) -> list[Any]:
    if machine:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), without_secrets]
    console = structlog.dev.ConsoleRenderer(
        colors=colour, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
    return [console, without_secrets]
