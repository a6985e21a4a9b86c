"""What a dispatcher tells Prometheus of the Valkeys."""

from __future__ import annotations

from streaming.bus.redis import Valkey
from streaming.valkey_metrics import Valkeys


def test_one_that_answers_tells_its_memory_and_one_that_is_away_only_that(bus_url: str) -> None:
    near = Valkey(bus_url, connections=1, readers=1)
    away = Valkey("unix:///nowhere/valkey.sock", connections=1, readers=1)
    up, memory = Valkeys({"bus": near, "broker": away}).collect()
    assert {sample.labels["valkey"]: sample.value for sample in up.samples} == {"bus": 1, "broker": 0}
    assert [sample.labels["valkey"] for sample in memory.samples] == ["bus"]
    assert 0 < memory.samples[0].value < 1
