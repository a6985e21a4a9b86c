"""Pages do without the bus and the state Valkey when they are away."""

import logging
from uuid import uuid4

import pytest

from streaming import on_air
from streaming.bus.redis import Valkey
from tests.streaming.conftest import NOW


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Neither Valkey can be reached, and the log says so only in warnings."""
    nowhere = Valkey("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(on_air, "bus", lambda: nowhere)
    monkeypatch.setattr(on_air, "state", lambda: nowhere)
    caplog.set_level(logging.WARNING)


def test_viewer_counts_are_empty(nothing_runs: None) -> None:
    assert on_air.viewer_counts([uuid4()], now=NOW) == {}


def test_quality_and_health_are_unknown(nothing_runs: None) -> None:
    assert on_air.quality(uuid4(), now=NOW) is None
    assert on_air.health(uuid4()) is None
    assert on_air.renditions(uuid4(), now=NOW) == []
    assert on_air.missed(uuid4()) == []


def test_an_end_that_cannot_be_told_is_logged(nothing_runs: None, caplog: pytest.LogCaptureFixture) -> None:
    broadcast = uuid4()
    on_air.publish_ended(broadcast)
    assert str(broadcast) in caplog.text
