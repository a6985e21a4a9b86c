"""The in-process path: access units through the packager, chunks through a timeline, playlists strictly read."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import av

from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.outputs import InitSection, Notice, NoticeKind, Output, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.cmaf.position import Position
from streaming.hls.playlist import render_playlist
from streaming.hls.timeline import Timeline
from streaming.media import AUDIO, PART_TARGET_MS, SOURCE, AccessUnit, Chunk, Closes
from tests.streaming.cmaf.clips import Clip
from tests.strict_hls import MediaPlaylist, Reader

WALL_MS = 1_790_000_000_000


@dataclass
class Packed:
    """Everything a packager put out, and the playlists that viewers would have seen on the way."""

    packager: SourcePackager
    inits: dict[str, dict[int, InitSection]] = field(default_factory=dict)
    chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    timelines: dict[str, Timeline] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)

    def take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, Notice):
                self.notices.append(output)
            elif isinstance(output, InitSection):
                known = self.inits.setdefault(output.rendition, {})
                assert output.number not in known
                known[output.number] = output
                scale = output.track.timescale
                self.timelines.setdefault(output.rendition, Timeline(timescale=scale, part_target_ms=PART_TARGET_MS))
            else:
                self._publish(output)

    def _publish(self, output: Packaged) -> None:
        name, chunk = output.rendition, output.chunk
        assert chunk.init in self.inits[name], "the init section is published before the chunk that needs it"
        previous = self.chunks.setdefault(name, [])
        if previous:
            check_order(previous[-1], chunk)
        previous.append(chunk)
        timeline = self.timelines[name]
        if timeline.append(chunk) and timeline.has_begun:
            self.render(name)

    def render(self, name: str) -> MediaPlaylist:
        timeline = self.timelines[name]
        reader = self.readers.setdefault(name, Reader())
        skip = reader.latest is not None and timeline.version % 3 != 0
        text = render_playlist(timeline, target_duration=self.packager.target_duration, skip=skip)
        return reader.take(text)

    def end(self) -> None:
        self.take(self.packager.end())
        for name, timeline in self.timelines.items():
            timeline.end()
            self.render(name)

    def units(self, name: str) -> list[tuple[AccessUnit, int]]:
        return [sample for chunk in self.chunks[name] for sample in unpack_chunk(chunk.data)]

    def segments(self, name: str) -> dict[int, list[Chunk]]:
        found: dict[int, list[Chunk]] = {}
        for chunk in self.chunks[name]:
            found.setdefault(chunk.msn, []).append(chunk)
        return found

    def decoded(self, name: str, init: int = 0) -> list[int]:
        """Times of the frames that a decoder shows for all chunks of an init section, in ticks of the rendition."""
        data = self.inits[name][init].data + b"".join(c.data for c in self.chunks[name] if c.init == init)
        with av.open(io.BytesIO(data), mode="r") as container:
            scale = self.timelines[name].timescale
            found = []
            for frame in container.decode(container.streams[0]):
                assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                assert frame.pts is not None
                assert frame.time_base is not None
                found.append(round(frame.pts * frame.time_base * scale))
            return found

    def kinds(self) -> set[NoticeKind]:
        return {notice.kind for notice in self.notices}


def check_order(before: Chunk, after: Chunk) -> None:
    """Each chunk begins where the last ended, with the number that its announcement promised."""
    if after.discontinuity == before.discontinuity:
        assert after.dts == before.dts + before.duration
    else:
        assert after.discontinuity == before.discontinuity + 1
        assert after.dts >= before.dts + before.duration
        assert after.msn == before.msn + 1
    if before.closes is Closes.SEGMENT or after.msn != before.msn:
        assert (after.msn, after.part) == (before.msn + 1, 0)
    elif before.closes is Closes.PART:
        assert after.part == before.part + 1
    else:
        assert after.part in (before.part, before.part + 1)
    assert after.init >= before.init
    assert after.wall_ms >= before.wall_ms


def pack(clip: Clip, *, position: Position | None = None, wall_ms: int = WALL_MS) -> Packed:
    """The whole clip, as one publisher sends it."""
    packed = Packed(SourcePackager(wall_ms, position))
    feed(packed, clip)
    packed.end()
    return packed


def feed(packed: Packed, clip: Clip) -> None:
    packager = packed.packager
    for track in clip.tracks:
        packed.take(packager.set_track(track))
    for track, unit in clip.units:
        packed.take(packager.add_video(unit) if track.codec.is_video else packager.add_audio(unit))


def check_media(packed: Packed, clip: Clip) -> None:
    """Every picture is there at its exact time, every audio frame to the millisecond, and both in step."""
    offsets = {}
    for track in clip.tracks:
        name = SOURCE if track.codec.is_video else AUDIO
        sent = clip.of(track)
        units = packed.units(name)
        if name == SOURCE:
            first = next(index for index, unit in enumerate(sent) if unit.sync)
            sent = sent[first:]
            offset = units[0][0].pts - sent[0].pts
            assert [unit.pts - offset for unit, _ in units] == [unit.pts for unit in sent]
            shown = packed.decoded(name, min(packed.inits[name]))
            expected = sorted(unit.pts for unit in sent)
            assert [time - shown[0] for time in shown] == [time - expected[0] for time in expected]
            offsets[name] = Fraction(offset, track.timescale)
        else:
            sent = sent[-len(units) :]
            scale = packed.timelines[name].timescale
            times = [
                Fraction(unit.pts, scale) - Fraction(was.pts, track.timescale)
                for (unit, _), was in zip(units, sent, strict=True)
            ]
            assert max(times) - min(times) <= Fraction(2, 1000)
            offsets[name] = times[0]
        assert [unit.data for unit, _ in units] == [unit.data for unit in sent]
    if len(offsets) == 2:
        assert abs(offsets[SOURCE] - offsets[AUDIO]) <= Fraction(2, 1000)
