"""A live broadcast's picture for lists: its newest key frame as a JPEG in the state Valkey."""

from __future__ import annotations

from streaming.bus import reading, thumbnail
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.track import read_video_track
from streaming.ffmpeg.command import still_command
from streaming.ffmpeg.process import run
from streaming.flv import file as flv
from streaming.flv.tracks import config_tag, frame_tag
from streaming.media import SOURCE, AccessUnit

WIDTH = 640
TIMEOUT_SECONDS = 5.0


def make_thumbnail(bus: reading.Runner, state: reading.Runner, ffmpeg: str, broadcast: str) -> bool:
    """Puts the broadcast's thumbnail; False if the source has no key frame on the bus that is young enough.

    Raises BusError, FfmpegError, CmafError.
    """
    progress = bus.run(reading.progress(broadcast)).get(SOURCE)
    if progress is None:
        return False
    at = bus.run(reading.start_of(broadcast, SOURCE, progress.msn))
    found = bus.run(reading.chunks(broadcast, {SOURCE: at}, block_ms=0, count=1)).get(SOURCE, [])
    if not found or not found[0][1].independent:
        return False
    entry, chunk = found[0]
    appended_ms = int(entry.partition(b"-")[0])
    section = bus.run(reading.init_section(broadcast, SOURCE, chunk.init))
    if section is None:
        return False
    track = read_video_track(section)
    key_frame = unpack_chunk(chunk.data)[0][0]
    movie = (
        flv.file_header(video=True, audio=False)
        + flv.pack(config_tag(track))
        + flv.pack(frame_tag(track, AccessUnit(0, 0, key_frame.data, sync=True)))
    )
    picture = run(still_command(ffmpeg, width=WIDTH), movie, timeout=TIMEOUT_SECONDS)
    age_ms = bus.run(reading.now_ms()) - appended_ms
    if age_ms >= thumbnail.MAX_AGE_MS:
        return False
    state.run(thumbnail.put(broadcast, picture, age_ms=age_ms))
    return True
