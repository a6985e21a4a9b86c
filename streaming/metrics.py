"""`/metrics`: what each process counts, in Prometheus's format, on a port of its own that only operators reach.

A process calls `serve` once. What is counted is declared beside what counts it (`streaming.ingest.metrics`, …), in
prometheus_client's one registry. Never a path of the site: what it says of broadcasts is nobody's business outside.
"""

from __future__ import annotations

import structlog
from django.conf import settings
from prometheus_client import start_http_server

PROCESSES = ("web", "ingest", "irc", "dispatcher", "prompt", "durable", "beat", "device")
"""Kinds of processes, in the order of their ports from METRICS_PORT on. A host's devices take the last and those after
it, whichever is free."""
MOST_DEVICES = 16

log = structlog.get_logger(__name__)


def port_of(process: str) -> int:
    """Where a process of this machine says what it counts, a device's first; 0 for nowhere."""
    return settings.METRICS_PORT and int(settings.METRICS_PORT) + PROCESSES.index(process)


def serve(process: str) -> None:
    """Answers scrapes from a thread, as long as the process lives. Ports that are taken cost the metrics, no more."""
    first = port_of(process)
    if not first:
        return
    for port in range(first, first + (MOST_DEVICES if process == PROCESSES[-1] else 1)):
        try:
            start_http_server(port, addr=settings.METRICS_HOST)
        except OSError as failure:
            error = failure
        else:
            return
    log.warning("metrics.unserved", process=process, port=first, error=str(error))
