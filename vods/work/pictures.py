"""The steps that make a VOD's pictures: a poster, a storyboard for the seek bar, a preview that moves.

Posters and storyboards decode nothing but key frames: each segment begins with one, so of a segment only its first
picture is read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

from django.conf import settings
from PIL import Image

from streaming.cmaf.chunk import first_sample, first_sample_end, unpack_chunk
from streaming.cmaf.track import read_video_track
from streaming.ffmpeg.command import preview_command, still_command, tiles_command
from streaming.ffmpeg.process import run
from streaming.flv import file as flv
from streaming.flv.tracks import config_tag, frame_tag
from streaming.media import VIDEO_TIMESCALE, AccessUnit
from streaming.media import Track as MediaTrack
from vods.film import Film, Reader, Track
from vods.models import Asset, AssetKind, Vod, VodState
from vods.models.asset import AssetQuerySet
from vods.segments import StoredSegment
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import MediaStorage, media
from vods.storyboard import Storyboard, render_vtt
from vods.work.product import Product, Pulse, enter_products, ready_vod

TILE_WIDTH, TILE_HEIGHT = 160, 90
COLUMNS = ROWS = 10
EVERY_MS = 10_000
POSTER_WIDTH = 1280
PREVIEW_WIDTH = 320
PREVIEW_PIECES = 5
PREVIEW_PIECE_MS = 2_000
FIRST_READ = 96 * 1024
"""Bytes that hold most key frames: those that are larger take another read."""
TIMEOUT_SECONDS = 60.0


def make_storyboard(job: Job) -> Outcome:
    """A small picture for each 10 s, a hundred on a sheet, and the WebVTT that tells which is where."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    if not film.has_video:
        return Outcome(write=lambda: enter_products(vod, AssetKind.STORYBOARD, []))
    pulse = Pulse(job, vod, AssetKind.STORYBOARD)
    count = -(-max(1, film.lead.timeline.duration_ms) // EVERY_MS)
    shown = [picture_near(film.lead, index * EVERY_MS) for index in range(count)]
    storage = media()
    sheets: list[str] = []
    size = 0
    for first in range(0, count, COLUMNS * ROWS):
        pulse(first, count)
        sheet = sheet_of(storage, film.lead, shown[first : first + COLUMNS * ROWS])
        key = f"{vod.prefix}storyboard-{len(sheets)}.jpg"
        storage.put(key, sheet)
        sheets.append(key)
        size += len(sheet)
    board = Storyboard(EVERY_MS, TILE_WIDTH, TILE_HEIGHT, COLUMNS, ROWS, count)
    vtt = render_vtt(
        board, duration_ms=film.lead.timeline.duration_ms, sheet_uri=lambda sheet: f"storyboard-{sheet}.jpg"
    )
    key = f"{vod.prefix}storyboard.vtt"
    storage.put(key, vtt.encode())
    facts = {name: getattr(board, name) for name in Storyboard.__slots__} | {"sheets": sheets}
    product = Product(key, size + len(vtt.encode()), facts)
    return Outcome(write=lambda: enter_products(vod, AssetKind.STORYBOARD, [product]))


def make_poster(job: Job) -> Outcome:
    """A picture of the moment that the streamer chose, or from a third into the video."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    if not film.has_video:
        return Outcome(write=lambda: enter_products(vod, AssetKind.POSTER, []))
    at_ms = vod.duration_ms // 3 if vod.poster_ms is None else vod.poster_ms
    storage = media()
    picture = still(storage, film.lead, picture_near(film.lead, at_ms), width=POSTER_WIDTH)
    key = f"{vod.prefix}poster-{at_ms}.jpg"
    storage.put(key, picture)
    with Image.open(io.BytesIO(picture)) as image:
        facts = {"at_ms": at_ms, "width": image.width, "height": image.height}
    return Outcome(write=lambda: _enter_poster(vod, Product(key, len(picture), facts)))


def _enter_poster(vod: Vod, poster: Product) -> None:
    """Unless another moment was asked for meanwhile: then that one's step makes it."""
    chosen = Vod.objects.select_for_update(no_key=True).values_list("poster_ms", flat=True).get(pk=vod.pk)
    if chosen == vod.poster_ms:
        enter_products(vod, AssetKind.POSTER, [poster])


def asked_posters() -> AssetQuerySet:
    """Posters that are to show another moment."""
    return Asset.objects.of_kind(AssetKind.POSTER).filter(facts__has_key="asked", vod__state=VodState.READY)


def poster_steps(vod_id: UUID) -> Sequence[StepSpec]:
    """The step that makes the poster which was asked for last; each asking is a step of its own."""
    asked = [poster.facts["asked"] for poster in asked_posters().filter(vod=vod_id)]
    return [StepSpec(name=f"poster asked {at}", work="poster", lane=Lane.PROMPT) for at in asked]


def make_preview(job: Job) -> Outcome:
    """Ten seconds of moments from across the video, small and silent."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    if not film.has_video:
        return Outcome(write=lambda: enter_products(vod, AssetKind.PREVIEW, []))
    lead = film.lead
    chosen = list(dict.fromkeys(picture_near(lead, at_ms) for at_ms in _moments(lead.timeline.duration_ms)))
    # One file has one format: that of the first.
    chosen = [segment for segment in chosen if lead.format_of(segment) == lead.format_of(chosen[0])]
    storage = media()
    track = read_video_track(lead.inits[chosen[0].init])
    movie = _flv(track, _moving(storage, chosen))
    data = run(preview_command(settings.FFMPEG, width=PREVIEW_WIDTH), movie, timeout=TIMEOUT_SECONDS)
    key = f"{vod.prefix}preview.mp4"
    storage.put(key, data)
    width = min(PREVIEW_WIDTH, track.width)
    height = round(track.height * width / track.width / 2) * 2
    facts = {"duration_ms": len(chosen) * PREVIEW_PIECE_MS, "width": width, "height": height}
    return Outcome(write=lambda: enter_products(vod, AssetKind.PREVIEW, [Product(key, len(data), facts)]))


def picture_near(track: Track, at_ms: int) -> StoredSegment:
    """The segment that plays at a position, or the nearest that is there. Raises Hopeless if none is."""
    segments = track.timeline.segments
    index = track.timeline.index_at(at_ms)
    there = [at for at, segment in enumerate(segments) if not segment.gap] if segments[index].gap else [index]
    if not there:
        raise Hopeless("There is no picture in this VOD.")
    return segments[min(there, key=lambda at: abs(at - index))]


def still(storage: MediaStorage, track: Track, segment: StoredSegment, *, width: int) -> bytes:
    """A segment's first picture as a JPEG. Raises FfmpegError, and what storage raises."""
    movie = _flv(read_video_track(track.inits[segment.init]), [_key_frame(storage, segment, 0)])
    return run(still_command(settings.FFMPEG, width=width), movie, timeout=TIMEOUT_SECONDS)


def sheet_of(storage: MediaStorage, track: Track, segments: Sequence[StoredSegment]) -> bytes:
    """A JPEG of small pictures, row by row."""
    rows = -(-len(segments) // COLUMNS)
    sheet = Image.new("RGB", (TILE_WIDTH * COLUMNS, TILE_HEIGHT * rows))
    for index, tile in enumerate(_tiles(storage, track, segments)):
        at = (index % COLUMNS * TILE_WIDTH, index // COLUMNS * TILE_HEIGHT)
        sheet.paste(Image.frombytes("RGB", (TILE_WIDTH, TILE_HEIGHT), tile), at)
    packed = io.BytesIO()
    sheet.save(packed, "JPEG", quality=70)
    return packed.getvalue()


def _tiles(storage: MediaStorage, track: Track, segments: Sequence[StoredSegment]) -> Iterator[bytes]:
    """The pictures' RGB bytes; one decoder for those in a row that have one format."""
    size = TILE_WIDTH * TILE_HEIGHT * 3
    for _, group in groupby(segments, key=track.format_of):
        same = list(group)
        frames = [_key_frame(storage, segment, index) for index, segment in enumerate(same)]
        movie = _flv(read_video_track(track.inits[same[0].init]), frames)
        command = tiles_command(settings.FFMPEG, width=TILE_WIDTH, height=TILE_HEIGHT)
        pixels = run(command, movie, timeout=TIMEOUT_SECONDS)
        if len(pixels) != size * len(same):
            raise Hopeless(f"{len(pixels) // size} of {len(same)} key frames could be decoded.")
        yield from (pixels[at : at + size] for at in range(0, len(pixels), size))


def _key_frame(storage: MediaStorage, segment: StoredSegment, number: int) -> AccessUnit:
    """A segment's first picture, stamped with a second for each before it."""
    head = storage.read(segment.key, segment.offset, min(FIRST_READ, segment.size))
    needed = first_sample_end(head)
    if needed > len(head):
        head += storage.read(segment.key, segment.offset + len(head), needed - len(head))
    at = number * VIDEO_TIMESCALE
    return AccessUnit(at, at, first_sample(head), sync=True)


def _moments(duration_ms: int) -> Iterator[int]:
    """Where the pieces begin: evenly across the video, or one behind the other in a short one."""
    apart = max(PREVIEW_PIECE_MS, duration_ms // PREVIEW_PIECES)
    yield from (apart * index + (apart - PREVIEW_PIECE_MS) // 2 for index in range(PREVIEW_PIECES))


def _moving(storage: MediaStorage, segments: Sequence[StoredSegment]) -> list[AccessUnit]:
    """The first two seconds of each segment, one behind the other."""
    reader = Reader(storage)
    found: list[AccessUnit] = []
    at = 0
    for segment in segments:
        pairs = unpack_chunk(reader.read(segment))
        start = pairs[0][0].dts
        piece = [unit for unit, _ in pairs if unit.dts - start < PREVIEW_PIECE_MS * VIDEO_TIMESCALE // 1000]
        found += [AccessUnit(unit.dts - start + at, unit.pts - start + at, unit.data, unit.sync) for unit in piece]
        at += PREVIEW_PIECE_MS * VIDEO_TIMESCALE // 1000
    # FLV's pictures are not shown before they are decoded; here a segment's first has both times at its start.
    delay = max(max(0, unit.dts - unit.pts) for unit in found)
    return [AccessUnit(unit.dts, unit.pts + delay, unit.data, unit.sync) for unit in found]


def _flv(track: MediaTrack, frames: Sequence[AccessUnit]) -> bytes:
    tags = b"".join(flv.pack(frame_tag(track, frame)) for frame in frames)
    return flv.file_header(video=True, audio=False) + flv.pack(config_tag(track)) + tags
