"""The steps that make a VOD's MP4s and its audio file: its own samples, in one file for each format that it has."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from streaming.cmaf.chunk import unpack_runs
from streaming.cmaf.movie import MOVIE_TIMESCALE, MovieTrack, MovieWriter
from streaming.cmaf.track import read_video_track
from vods.film import Film, Reader, Reel
from vods.models import AssetKind
from vods.steps import Job, Outcome
from vods.storage import MediaStorage, media
from vods.work.product import Product, Pulse, enter_products, ready_vod

STALE_SECONDS = 86_400
"""A file that nobody has written to for so long is nobody's."""


def make_videos(job: Job) -> Outcome:
    """MP4s of source and audio, `video-<n>.mp4`; none where there is no video."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    if not film.has_video:
        return Outcome(write=lambda: enter_products(vod, AssetKind.MP4, []))
    made = []
    pulse = Pulse(job, vod, AssetKind.MP4)
    for number, reel in enumerate(film.reels()):
        key = f"{vod.prefix}video-{number}.mp4"
        size = put_movie(media(), key, film, reel, pulse=pulse)
        lead = film.lead.rendition
        made.append(Product(key, size, {**_span(film, reel), "codecs": lead.codecs, **_dimensions(film, reel)}))
    return Outcome(write=lambda: enter_products(vod, AssetKind.MP4, made))


def make_audio(job: Job) -> Outcome:
    """The sound alone, `audio-<n>.m4a`; none where there is no sound."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    sound = film.audio or (None if film.has_video else film.lead)
    if sound is None:
        return Outcome(write=lambda: enter_products(vod, AssetKind.AUDIO, []))
    made = []
    alone = Film(sound, None)
    pulse = Pulse(job, vod, AssetKind.AUDIO)
    for number, reel in enumerate(alone.reels()):
        key = f"{vod.prefix}audio-{number}.m4a"
        size = put_movie(media(), key, alone, reel, pulse=pulse)
        span = _span(alone, reel)
        made.append(Product(key, size, {**span, "duration_ms": span["to_ms"] - span["from_ms"]}))
    return Outcome(write=lambda: enter_products(vod, AssetKind.AUDIO, made))


def put_movie(
    storage: MediaStorage,
    key: str,
    film: Film,
    reel: Reel,
    *,
    pulse: Callable[[int, int], None],
    window: tuple[int, int] | None = None,
) -> int:
    """Makes one MP4 of a reel and puts it; answers its size. `window` is what of it is shown, in MOVIE_TIMESCALE."""
    with work_file() as path:
        with path.open("w+b") as file:
            size = write_movie(file, storage, film, reel, pulse=pulse, window=window)
        storage.put_file(key, path)
    return size


def write_movie(
    file: IO[bytes],
    storage: MediaStorage,
    film: Film,
    reel: Reel,
    *,
    pulse: Callable[[int, int], None],
    window: tuple[int, int] | None = None,
) -> int:
    """Writes a reel as an MP4; answers its size. Memory does not grow with the length of the media, but for its tables.

    Raises PackagingError, Hopeless, what storage raises, and what `pulse` raises.
    """
    movie = MovieWriter(file, room=_room(film, reel))
    tracks: dict[bool, MovieTrack] = {}
    readers = {True: Reader(storage), False: Reader(storage)}
    for done, scene in enumerate(reel.scenes):
        pulse(done, len(reel.scenes))
        for leads, track, segment in ((True, film.lead, scene.lead), (False, film.audio, scene.audio)):
            if track is None or segment is None or segment.gap:
                continue
            if leads not in tracks:
                tracks[leads] = movie.track(track.inits[segment.init], timescale=track.timescale)
            shift = (scene.shift - reel.start) * track.timescale // film.lead.timescale
            for run in unpack_runs(readers[leads].read(segment)):
                movie.add(tracks[leads], run, at=run.dts + shift)
    length = (reel.end - reel.start) * MOVIE_TIMESCALE // film.lead.timescale
    return movie.finish(window=window or (0, length))


@contextmanager
def work_file() -> Iterator[Path]:
    """A file of this process's own to make something in; it is gone afterwards, if it was not put anywhere."""
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    _tidy()
    with tempfile.NamedTemporaryFile(dir=settings.WORK_DIR, delete=False) as file:
        path = Path(file.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _tidy() -> None:
    """Removes what killed processes left behind."""
    for path in settings.WORK_DIR.iterdir():
        with suppress(FileNotFoundError):  # its own process was quicker
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _room(film: Film, reel: Reel) -> int:
    """Bytes for the sample tables, rather too many: 20 a picture, 5 an audio frame, of which some 47 are a second."""
    seconds = (reel.end - reel.start) // film.lead.timescale + 2
    pictures = max(30, film.lead.rendition.frame_rate // 1000 + 1) if film.has_video else 0
    return 65_536 + seconds * (20 * pictures + 5 * 100)


def _span(film: Film, reel: Reel) -> dict[str, int]:
    scale = film.lead.timescale
    return {"from_ms": reel.start * 1000 // scale, "to_ms": reel.end * 1000 // scale}


def _dimensions(film: Film, reel: Reel) -> dict[str, Any]:
    first = next(scene.lead for scene in reel.scenes if not scene.lead.gap)
    track = read_video_track(film.lead.inits[first.init])
    return {"width": track.width, "height": track.height}
