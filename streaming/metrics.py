"""`/metrics`: what each process counts, in Prometheus's format, on a port of its own that only operators reach.

A process calls `serve` once. What is counted is declared beside what counts it (`streaming.ingest.metrics`, …), in
prometheus_client's one registry. Never a path of the site: what it says of broadcasts is nobody's business outside.
"""

from __future__ import annotations

import structlog
from django.conf import settings
from prometheus_client import start_http_server

PROCESSES = ("web", "ingest", "irc", "dispatcher", "durable", "device")
"""Kinds of processes, in the order of their ports from METRICS_PORT on; of devices each worker has the next."""

log = structlog.get_logger(__name__)


def port_of(process: str, *, nth: int = 0) -> int:
    """Where a process of this machine says what it counts; 0 for nowhere. `nth` counts the devices of a host."""
    if settings.METRICS_PORT == 0:
        return 0
    return int(settings.METRICS_PORT) + PROCESSES.index(process) + nth


def serve(process: str, *, nth: int = 0) -> None:
    """Answers scrapes from a thread, as long as the process lives. A port that is taken costs the metrics, no more."""
    port = port_of(process, nth=nth)
    if port == 0:
        return
    try:
        start_http_server(port, addr=settings.METRICS_HOST)
    except OSError as error:
        log.warning("metrics.unserved", process=process, port=port, error=str(error))
