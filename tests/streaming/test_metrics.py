"""Where a process answers Prometheus."""

from __future__ import annotations

import socket
import urllib.request
from contextlib import closing

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from streaming import metrics
from tests.deploy.installation import free_ports


@pytest.fixture
def first(settings: Settings) -> int:
    [port] = free_ports(1)
    settings.METRICS_PORT, settings.METRICS_HOST = port, "127.0.0.1"
    return port


def answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return b"process_cpu_seconds_total" in answer.read()


def test_each_kind_of_process_has_its_port_and_devices_the_next_that_is_free(first: int) -> None:
    metrics.serve("irc")
    assert answers(first + 2)
    for _ in range(2):
        metrics.serve("device")
    assert answers(first + len(metrics.PROCESSES) - 1)
    assert answers(first + len(metrics.PROCESSES))


def test_a_port_that_is_taken_costs_the_metrics_alone(first: int) -> None:
    with closing(socket.create_server(("127.0.0.1", first))), capture_logs() as said:
        metrics.serve("web")
    assert [line["event"] for line in said] == ["metrics.unserved"]


def test_no_port_is_no_metrics(settings: Settings) -> None:
    settings.METRICS_PORT = 0
    metrics.serve("web")
    assert metrics.port_of("device") == 0
