"""The ledger's work `fill`: what the ladder lacks in a run of a VOD is encoded from its archived source."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from uuid import UUID
from zlib import crc32

from django.conf import settings
from django.db import transaction
from django.db.models import F

from streaming.cmaf import codecs
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.header import pack_header
from streaming.cmaf.rendition import Opening, RenditionPackager
from streaming.cmaf.track import read_video_track
from streaming.ladder import Rung
from streaming.media import VIDEO_TIMESCALE, AccessUnit
from vods.film import Film, Reader, Track
from vods.models import Bundle, InitSection, Vod, VodRendition, VodState
from vods.recording import RUN, Recorded, rendition_row, store
from vods.segments import RecordedSegment, StoredSegment
from vods.steps import Job, Outcome, Work
from vods.storage import MediaStorage, media
from vods.work.ladder import list_whole, rungs_of
from vods.work.product import ready_vod
from workers.encoder import Encoder

ENCODER_SECONDS = 120.0
"""How long an encoder may take for what it still holds once it was fed everything."""
HANG_SECONDS = 60.0
"""An encoder that neither takes nor puts out anything for so long hangs: what is live may leave it little time."""
LOOK_SECONDS = 1.0


class FillFailed(Exception):
    """An encoder did not put out what it was to."""


def fill(job: Job) -> Outcome:
    """Encodes what the renditions of the ladder lack in the run that begins with segment `first`."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    first = job.arguments["first"]
    source = [segment for segment in film.lead.timeline.segments if first <= segment.msn < first + RUN]
    there = {row.name: _there(row, first) for row in vod.renditions.all()}
    storage = media()
    filled: dict[int, _Filled] = {}
    for _, group in groupby((one for one in source if not one.gap), key=lambda one: (one.init, one.discontinuity)):
        segments = list(group)
        job.check()
        lacking = {
            place: rung
            for place, rung in rungs_of(film, segments[0].init).items()
            if any(segment.msn not in there.get(rung.name, {}) for segment in segments)
        }
        for place, (section, units) in _encoded(storage, film.lead, segments, lacking, job.check).items():
            one = filled.setdefault(place, _Filled(lacking[place], there.get(lacking[place].name, {})))
            one.take(section, units, segments)
    entries = [
        Recorded(
            place=place,
            rendition=one.rung.rendition,
            bundle=store(storage, vod.prefix, one.rung.name, one.completed(storage, source)),
            inits=one.sections,
        )
        for place, one in filled.items()
    ]
    return Outcome(write=lambda: _enter(vod.pk, storage, first, entries))


class _Filled:
    """A rung in a run: what was there, and what was encoded."""

    def __init__(self, rung: Rung, there: Mapping[int, StoredSegment]) -> None:
        self.rung = rung
        self.sections: dict[int, bytes] = {}
        self._there = there
        self._encoded: dict[int, bytes] = {}
        self._inits: dict[int, int] = {}

    def take(self, section: bytes, units: Sequence[AccessUnit], segments: Sequence[StoredSegment]) -> None:
        """Cuts an encoder's output as the source is cut, and keeps what was missing."""
        number = crc32(section)
        for segment in segments:
            if segment.msn in self._there:
                continue
            within = [unit for unit in units if segment.dts <= unit.pts < segment.end]
            opening = Opening(segment.msn, segment.dts, segment.wall_ms, segment.discontinuity, number)
            packager = RenditionPackager(VIDEO_TIMESCALE, frame_rate=self.rung.frame_rate)
            packager.open(opening)
            chunks = [chunk for unit in within for chunk in packager.add(unit)] + packager.close(segment.end)
            if not chunks:
                raise FillFailed(f"{self.rung.name} has no picture in segment {segment.msn}")
            self._encoded[segment.msn] = b"".join(chunk.data for chunk in chunks)
            self._inits[segment.msn] = number
            self.sections[number] = section

    def completed(self, storage: MediaStorage, source: Sequence[StoredSegment]) -> list[RecordedSegment]:
        """The whole run: what was there, what is new, and the source's gaps."""
        reader = Reader(storage)
        found = []
        for segment in source:
            known = self._there.get(segment.msn)
            data, init = self._encoded.get(segment.msn, b""), self._inits.get(segment.msn, segment.init)
            if known is not None:
                data, init = bytes(reader.read(known)), known.init
            times = (segment.msn, segment.dts, segment.duration, segment.wall_ms, segment.discontinuity, init)
            found.append(RecordedSegment(*times, data=data))
        return found


def _there(row: VodRendition, first: int) -> dict[int, StoredSegment]:
    """A rendition's segments in a run that are no gaps."""
    segments = (segment for bundle in row.bundles.within(first, RUN) for segment in bundle.segments)
    return {segment.msn: segment for segment in segments if not segment.gap}


def _encoded(
    storage: MediaStorage,
    source: Track,
    segments: Sequence[StoredSegment],
    rungs: Mapping[int, Rung],
    check: Callable[[], None],
) -> dict[int, tuple[bytes, list[AccessUnit]]]:
    """Each rung's CMAF header and its access units in the order in which they are shown. Raises FillFailed."""
    if not rungs:
        return {}
    reader = Reader(storage)
    by_name = {rung.name: place for place, rung in rungs.items()}
    units: dict[int, list[AccessUnit]] = {place: [] for place in rungs}
    lock = threading.Lock()

    def take(name: str, unit: AccessUnit) -> bool:
        with lock:
            units[by_name[name]].append(unit)
        return True

    track = read_video_track(source.inits[segments[0].init])
    first = _units(reader, segments[0])[0]
    encoder = Encoder(settings.FFMPEG, track, list(rungs.values()), first=first, starts={})
    encoder.attach(take, lambda: None)
    with _watched(encoder):
        for segment in segments:
            check()
            encoder.feed(_units(reader, segment), segment.end)
        encoder.finish()
        encoder.join(ENCODER_SECONDS)
    if encoder.failure or not encoder.ended:
        raise FillFailed(encoder.failure or f"ffmpeg did not end in {ENCODER_SECONDS:.0f} s")
    headers = {name: pack_header(codecs.track(told.codec, told.config)) for name, told in encoder.tracks.items()}
    return {place: (headers[rung.name], units[place]) for place, rung in rungs.items()}


def _units(reader: Reader, segment: StoredSegment) -> list[AccessUnit]:
    return [unit for unit, _ in unpack_chunk(reader.read(segment))]


@contextmanager
def _watched(encoder: Encoder) -> Iterator[None]:
    """Ends the encoder with the block, or when it hangs: then whoever feeds it or waits for it goes on."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            if encoder.hangs(time.monotonic(), HANG_SECONDS):
                encoder.kill()

    watchdog = threading.Thread(target=watch, name="watchdog", daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()
        encoder.kill()


def _enter(vod_id: UUID, storage: MediaStorage, first: int, entries: Sequence[Recorded]) -> None:
    """Puts the filled bundles in place of what was there; the objects of those go after commit."""
    vod = Vod.objects.select_for_update(no_key=True).get(pk=vod_id)
    if vod.state != VodState.READY:
        return
    for entry in entries:
        row = rendition_row(vod, entry.rendition, entry.place)
        old = list(row.bundles.within(first, RUN))
        Bundle.objects.filter(pk__in=[bundle.pk for bundle in old]).delete()
        InitSection.objects.bulk_create(
            [InitSection(rendition=row, number=number, data=data) for number, data in entry.inits.items()],
            ignore_conflicts=True,
        )
        entry.bundle.rendition = row
        entry.bundle.save(force_insert=True)
        gone = [bundle.key for bundle in old if bundle.key not in ("", entry.bundle.key)]
        Vod.objects.filter(pk=vod_id).update(size=F("size") + entry.bundle.size - sum(bundle.size for bundle in old))
        # Nothing depends on it: an object that is left goes with its VOD.
        transaction.on_commit(partial(_remove, storage, gone), robust=True)
    list_whole(vod)


def _remove(storage: MediaStorage, keys: Sequence[str]) -> None:
    for key in keys:
        storage.remove(key)


WORK = {"fill": Work(fill)}
