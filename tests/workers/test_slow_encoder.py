"""An encoder slower than real time: it leaves gaps, but does not fall back further and further."""

from __future__ import annotations

import time
from pathlib import Path

from pytest_django import Settings

from streaming.bus.redis import Valkey
from tests.workers.audience import assert_ends_like, audience
from tests.workers.clips import clip
from tests.workers.live import Broadcaster, assert_in_order, published
from tests.workers.threads import Fleet

SPEED = 0.4


def test_it_skips_to_the_newest_segment(bus: Valkey, settings: Settings, tmp_path: Path) -> None:
    track, units = clip(seconds=15, size="640x480")
    slow = tmp_path / "ffmpeg"
    slow.write_text(f'#!/bin/sh\nexec {settings.FFMPEG} -readrate {SPEED} -readrate_initial_burst 0.1 "$@"\n')
    slow.chmod(0o755)
    settings.FFMPEG = str(slow)
    with Fleet(bus).at_work(), audience(bus):
        live = Broadcaster(bus, track)
        live.publish_live(units).join()
        live.end()
        ended = time.monotonic()
        assert_ends_like(bus, live)
        # 15 s at 0.4 of their speed would take 22 s more.
        assert time.monotonic() - ended < 8
    chunks = published(bus, "b", "160p")
    assert_in_order(chunks, like=[chunk for chunk in chunks if chunk.gap])
    lost = {chunk.msn for chunk in chunks if chunk.gap}
    assert lost
    assert [chunk for chunk in chunks if chunk.msn > min(lost) and chunk.part == 0 and chunk.independent]
