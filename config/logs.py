"""Structured logs on standard error: one line an event, for a person or for a machine."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import psycopg2
import redis
import structlog

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("console", "json")

SECRET = re.compile(r"\b(live|hr)_[a-z2-7]{30,}")
"""Stream keys and API tokens, as `accounts.secrets` makes them."""

OUTAGES = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATEs of a PostgreSQL that is being stopped, has crashed, or isn't up yet; class 08 is about connections."""

QUIETER: dict[str, dict[str, Any]] = {
    # One line a request is the front proxy's business; a playlist reload comes every 0.4 s per viewer. The handlers
    # are taken away because uvicorn brings its own, which would print beside ours.
    "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
    "daphne.http_protocol": {"level": "WARNING"},
    "django.channels.server": {"level": "WARNING"},
    # A line a second while its Valkey is away. Chat's own subscription to the same one (`chat.hub.feed`) has said so.
    "channels_redis.pubsub": {"filters": ["faults"]},
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
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            outage_in_a_line,
            *renderers(machine, colour),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "filters": {"faults": {"()": lambda: is_fault}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": QUIETER,
    }


def outage_in_a_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An event without the traceback of an error that means no more than that an engine is away.

    Whoever was at work then says so, and their hundreds of tracebacks a second would hide everything else.
    """
    error = _raised(event.get("exc_info"))
    while error is not None:
        if is_outage(error):
            event.pop("exc_info")
            event["away"] = str(error).partition("\n")[0]
            break
        error = error.__cause__
    return event


def is_fault(record: logging.LogRecord) -> bool:
    """A filter: whether a record is of anything else than an engine that is away."""
    error = _raised(record.exc_info)
    return error is None or not is_outage(error)


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL or a Valkey could not be reached, or was cut off."""
    if not isinstance(error, psycopg2.Error):
        return isinstance(error, redis.ConnectionError | redis.TimeoutError)
    if error.pgcode is None:
        # No server has said this: what the client library says of a connection has no finer class.
        return type(error) in (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError)
    return error.pgcode[:2] == "08" or error.pgcode in OUTAGES


def _raised(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info and not isinstance(exc_info, BaseException):
        exc_info = sys.exc_info()[1]
    return exc_info or None


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
