"""A VOD's media in the order in which it plays, cut into pieces of one format each.

Every file that is made of a VOD is made from this: positions in it are those of the VOD's playlists, where the time in
which the encoder was away does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from zlib import crc32

from streaming.cmaf.boxes import find
from streaming.media import AUDIO, SOURCE
from vods.library import timeline_of
from vods.models import Vod, VodRendition
from vods.segments import StoredSegment
from vods.steps import Hopeless
from vods.storage import MediaStorage
from vods.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Track:
    """One rendition of a VOD: its segments and its init sections by number."""

    rendition: VodRendition
    timeline: Timeline
    inits: Mapping[int, bytes]

    @property
    def timescale(self) -> int:
        return self.timeline.timescale

    def format_of(self, segment: StoredSegment) -> bytes:
        """What a decoder needs to know for a segment: two of the same format go into one file."""
        return bytes(find(self.inits[segment.init], b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd").body)


@dataclass(frozen=True, slots=True)
class Scene:
    """A segment of the leading track and the audio beside it, if any. `shift` is what is added to the leading track's
    decode times to get positions, in its ticks."""

    lead: StoredSegment
    audio: StoredSegment | None
    shift: int


@dataclass(frozen=True, slots=True)
class Reel:
    """Scenes that need one decoder configuration; `start` is its position in ticks of the leading track."""

    scenes: Sequence[Scene]
    start: int
    end: int


class Film:
    """The source of a VOD, and the audio that goes with it. `lead` is the audio itself where there is no video."""

    def __init__(self, lead: Track, audio: Track | None) -> None:
        self.lead = lead
        self.audio = audio

    @classmethod
    def of(cls, vod: Vod) -> Film:
        """Raises Hopeless if nothing is recorded."""
        return cls._made_of(vod.renditions.filter(complete=True))

    @classmethod
    def so_far(cls, vod: Vod) -> Film:
        """What is archived of source and audio while the broadcast is on. Raises Hopeless if that is nothing."""
        return cls._made_of(vod.renditions.filter(name__in=[SOURCE, AUDIO]))

    @classmethod
    def _made_of(cls, renditions: Iterable[VodRendition]) -> Film:
        tracks = [track_of(rendition) for rendition in renditions]
        if not tracks or all(segment.gap for segment in tracks[0].timeline.segments):
            raise Hopeless("There is no media in this VOD.")
        audio = next((track for track in tracks[1:] if track.rendition.name == AUDIO), None)
        return cls(tracks[0], audio)

    @property
    def has_video(self) -> bool:
        return self.lead.rendition.name != AUDIO

    def reels(self) -> Iterator[Reel]:
        """All of it, cut where the format of a track changes."""
        beside = {segment.msn: segment for segment in self.audio.timeline.segments} if self.audio else {}
        scenes: list[Scene] = []
        formats: tuple[bytes, bytes] = (b"", b"")
        position = start = 0
        before: StoredSegment | None = None
        shift = 0
        for segment in self.lead.timeline.segments:
            if before is None or segment.discontinuity != before.discontinuity:
                shift = position - segment.dts
            scene = Scene(segment, beside.get(segment.msn), shift)
            new = self._formats(scene, formats)
            if scenes and new != formats and all(formats):
                yield Reel(scenes, start, position)
                scenes, start = [], position
            formats = new
            scenes.append(scene)
            position += segment.duration
            before = segment
        yield Reel(scenes, start, position)

    def cut(self, from_ms: int, to_ms: int) -> tuple[Reel, tuple[int, int]]:
        """The scenes that a range touches, and where in them it begins and ends, in ticks of the leading track.

        One file has one format: where that changes within the range, the longer part is taken. Raises Hopeless if all
        of the range was lost.
        """
        scale = self.lead.timescale
        begin, end = from_ms * scale // 1000, to_ms * scale // 1000

        def within(reel: Reel) -> int:
            return min(reel.end, end) - max(reel.start, begin)

        reel = max(self.reels(), key=within)
        scenes = [
            scene
            for scene in reel.scenes
            if scene.lead.dts + scene.shift < end and scene.lead.end + scene.shift > begin
        ]
        if all(scene.lead.gap for scene in scenes):
            raise Hopeless("All of this moment was lost.")
        start, stop = scenes[0].lead.dts + scenes[0].shift, scenes[-1].lead.end + scenes[-1].shift
        return Reel(scenes, start, stop), (max(begin, start) - start, min(end, stop) - start)

    def _formats(self, scene: Scene, before: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """Of both tracks; what has nothing here leaves its format as it was."""
        lead = before[0] if scene.lead.gap else self.lead.format_of(scene.lead)
        if self.audio is None:
            return lead, b"-"
        if scene.audio is None or scene.audio.gap:
            return lead, before[1] or b"-"
        return lead, self.audio.format_of(scene.audio)


class Reader:
    """Reads segments, an object at a time and each once, and holds that it is what was put there."""

    def __init__(self, media: MediaStorage) -> None:
        self._media = media
        self._key = ""
        self._data = b""

    def read(self, segment: StoredSegment) -> memoryview:
        """A segment's bytes. Raises Hopeless if they are not what was archived, and what storage raises."""
        if segment.key != self._key:
            data = self._media.read(segment.key)
            if f"{crc32(data):08x}" != PurePosixPath(segment.key).stem.rpartition("-")[2]:
                raise Hopeless(f"{segment.key} is not what was archived.")
            self._key, self._data = segment.key, data
        return memoryview(self._data)[segment.offset : segment.offset + segment.size]


def track_of(rendition: VodRendition) -> Track:
    """What is recorded of a rendition."""
    inits = {init.number: bytes(init.data) for init in rendition.inits.all()}
    return Track(rendition, timeline_of(rendition), inits)
