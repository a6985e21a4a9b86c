"""How many are in a room."""

from chat.bus import presence
from streaming.bus.redis import AsyncValkey

NOW = 1_700_000_010_000


async def test_people_are_counted_once_across_processes(state_url: str) -> None:
    valkey = AsyncValkey(state_url)
    await valkey.run_all(presence.beat("r", [f"user {number}" for number in range(6_000)], now_ms=NOW))
    await valkey.run_all(presence.beat("r", ["user 1", "user 2"], now_ms=NOW + 1))
    assert abs(await valkey.run(presence.count("r", now_ms=NOW)) - 6_000) < 180
    await valkey.aclose()


async def test_who_has_left_is_no_longer_counted_after_a_minute(state_url: str) -> None:
    valkey = AsyncValkey(state_url)
    await valkey.run_all(presence.beat("r", ["a", "b"], now_ms=NOW))
    await valkey.run_all(presence.beat("r", ["b"], now_ms=NOW + presence.WINDOW_MS))
    assert await valkey.run(presence.count("r", now_ms=NOW + presence.WINDOW_MS)) == 2
    assert await valkey.run(presence.count("r", now_ms=NOW + 2 * presence.WINDOW_MS)) == 1
    await valkey.aclose()
