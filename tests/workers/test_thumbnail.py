"""A live broadcast's picture."""

from __future__ import annotations

import io

import pytest
from django.conf import settings
from PIL import Image

from streaming.bus import thumbnail
from streaming.bus.redis import Valkey
from tests.workers.clips import clip
from tests.workers.live import Broadcaster
from workers.thumbnail import make_thumbnail


def stored(state: Valkey) -> bytes | None:
    found = state.run(thumbnail.get("b"))
    return found.picture if found else None


@pytest.mark.parametrize(
    ("size", "shown"), [("1280x720", (640, 360)), ("320x180", (320, 180)), ("360x640", (360, 640))]
)
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_it_shows_the_newest_key_frame(
    bus: Valkey, state: Valkey, codec: str, size: str, shown: tuple[int, int]
) -> None:
    options = ("-preset", "ultrafast", "-x265-params", "log-level=none") if codec == "libx265" else ()
    track, units = clip(size=size, seconds=2.5, codec=codec, options=options)
    Broadcaster(bus, track).publish(units)
    assert make_thumbnail(bus, state, settings.FFMPEG, "b")
    picture = stored(state)
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("JPEG", shown)


def test_it_is_gone_when_its_key_frame_is_thirty_seconds_old(bus: Valkey, state: Valkey) -> None:
    track, units = clip(seconds=2.5)
    Broadcaster(bus, track).publish(units)
    assert make_thumbnail(bus, state, settings.FFMPEG, "b")
    found = state.run(thumbnail.get("b"))
    assert found is not None
    assert 0 < found.fresh_ms < thumbnail.MAX_AGE_MS


def test_an_old_key_frame_is_not_shown(bus: Valkey, state: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    track, units = clip(seconds=2.5)
    Broadcaster(bus, track).publish(units)
    monkeypatch.setattr(thumbnail, "MAX_AGE_MS", 0)
    assert not make_thumbnail(bus, state, settings.FFMPEG, "b")
    assert stored(state) is None


def test_there_is_none_before_the_first_key_frame(bus: Valkey, state: Valkey) -> None:
    assert not make_thumbnail(bus, state, settings.FFMPEG, "b")
    assert stored(state) is None
