"""Segment tasks, in process and faster than real time: real ffmpeg, real bus, synthesised clips."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings

from streaming.bus import tasks
from streaming.bus.errors import StaleToken
from streaming.bus.reading import init_section
from streaming.bus.redis import Valkey
from streaming.bus.view import observe
from streaming.cmaf import codecs
from streaming.cmaf.track import read_video_track
from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, AccessUnit, Closes, Rendition, Track
from tests.workers.clips import clip, decoded_times
from tests.workers.fleet import eventually
from tests.workers.live import Broadcaster, Frames, assert_in_order, order, published
from workers.encoder import START_SECONDS, Encoder
from workers.errors import AttemptError, AttemptRefused, Draining, EncoderFailed
from workers.motion import SEGMENTS
from workers.transcode import Order, Workbench, transcode
from workers.warm import HANG_SECONDS, WarmEncoders

Clip = tuple[Track, tuple[AccessUnit, ...]]


def broadcast(bus: Valkey, made: Clip, *, frame_rate: int = 0, over: bool = True) -> Broadcaster:
    """The whole clip, on the bus."""
    track, units = made
    live = Broadcaster(bus, track, frame_rate=frame_rate)
    live.publish(units)
    if over:
        live.end()
    return live


def run(bench: Workbench, live: Broadcaster, msn: int, *renditions: str) -> None:
    token = order(live.bus, live.broadcast, msn, *renditions)
    transcode(Order(live.broadcast, msn, token, renditions), bench)


def run_all(bench: Workbench, live: Broadcaster, *renditions: str) -> None:
    for msn in range(live.last_msn + 1):
        run(bench, live, msn, *renditions)


def assert_exact(live: Broadcaster, rendition: str, *, every: int = 1) -> None:
    """Each picture of the source, or every n-th, with its own time, lasting until the next."""
    source, chunks = Frames.of(live.chunks), published(live.bus, live.broadcast, rendition)
    made = Frames.of(chunks)
    assert_in_order(chunks, like=live.chunks)
    assert made.shown == source.shown[::every]
    ends = [*made.shown[1:], live.chunks[-1].dts + live.chunks[-1].duration]
    assert made.durations == [end - shown for shown, end in zip(made.shown, ends, strict=True)]


# Times


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("rate", ["24", "25", "30000/1001", "30", "50", "60"])
def test_every_frame_keeps_its_time(bus: Valkey, bench: Workbench, rate: str, bframes: int) -> None:
    frames = Fraction(rate)
    live = broadcast(bus, clip(rate=rate, gop=round(frames * 2), bframes=bframes))
    run_all(bench, live, "160p")
    assert_exact(live, "160p", every=1 if frames <= 30 else 2)


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize(("gop", "seconds"), [(30, 5), (250, 18)], ids=["1 s", "8.3 s"])
def test_every_frame_keeps_its_time_whatever_the_gop(
    bus: Valkey, bench: Workbench, gop: int, seconds: int, bframes: int
) -> None:
    live = broadcast(bus, clip(gop=gop, seconds=seconds, bframes=bframes, size="256x144"), frame_rate=30_000)
    live.source = replace(live.source, width=320, height=180)
    live.describe()
    run_all(bench, live, "160p")
    assert_exact(live, "160p")


@pytest.mark.parametrize("keys", ["0.4,0.9,2.1,3.7,4.3,6.0,6.5", "0.4,0.9,2.1,3.7,3.8,6.2,6.5"], ids=["", "forced cut"])
def test_irregular_gops(bus: Valkey, bench: Workbench, keys: str) -> None:
    live = broadcast(bus, clip(gop=300, seconds=8, bframes=2, options=("-force_key_frames", keys)))
    run_all(bench, live, "160p")
    assert_exact(live, "160p")


def test_open_gops_keep_every_frame(bus: Valkey, bench: Workbench) -> None:
    """Recovery points are no IDRs: here the source is cut without one, and so are its renditions."""
    live = broadcast(bus, clip(gop=30, seconds=4, bframes=2, options=("-x264-params", "open-gop=1")))
    run_all(bench, live, "160p")
    chunks = published(bus, "b", "160p")
    assert Frames.of(chunks).shown == Frames.of(live.chunks).shown


def test_an_irregular_frame_rate(bus: Valkey, bench: Workbench) -> None:
    """Pictures 1, 2 and 5 frames apart, as a screen capture sends them."""
    track, units = clip(gop=60, seconds=6)
    kept = [unit for at, unit in enumerate(units) if unit.sync or at % 5 in (0, 1, 3) or at % 60 < 30]
    run_live = broadcast(bus, (track, tuple(_dropping(kept, units))))
    run_all(bench, run_live, "160p")
    assert_exact(run_live, "160p")


def _dropping(kept: Sequence[AccessUnit], units: Sequence[AccessUnit]) -> list[AccessUnit]:
    """`units` as often as in `kept`, at the times of those: the bits stay decodable."""
    decodable: list[AccessUnit] = []
    syncs = [at for at, unit in enumerate(units) if unit.sync]
    for unit in kept:
        if unit.sync:
            at = syncs.pop(0)
        decodable.append(replace(units[at], dts=unit.dts, pts=unit.pts))
        at += 1
    return decodable


def test_120_frames_a_second_become_30(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(rate="120", gop=240, seconds=4.5))
    run_all(bench, live, "160p")
    assert_exact(live, "160p", every=4)


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1"])
def test_other_codecs_get_an_h264_ladder(bus: Valkey, bench: Workbench, codec: str) -> None:
    quiet = ("-x265-params", "log-level=none:open-gop=0", "-preset", "ultrafast")
    options = quiet if codec == "libx265" else ("-preset", "12", "-svtav1-params", "lookahead=0")
    live = broadcast(bus, clip(codec=codec, seconds=5, options=options))
    run_all(bench, live, "160p")
    assert_exact(live, "160p")
    section = bus.run(init_section("b", "160p", published(bus, "b", "160p")[0].init))
    assert section is not None
    assert read_video_track(section).codec == "h264"


# What the renditions are


def test_a_rendition_is_what_the_playlist_says_it_is(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(size="1280x720", seconds=2.5))
    run(bench, live, 0, "480p", "360p", "160p")
    for rung in ladder(live.source):
        chunk = published(bus, "b", rung.name)[0]
        section = bus.run(init_section("b", rung.name, chunk.init))
        assert section is not None
        track = read_video_track(section)
        assert (track.width, track.height) == (rung.width, rung.height)
        assert codecs.parse(track.codec, track.config).codecs.lower() == rung.rendition.codecs.lower()


def test_parts_are_whole_and_decode(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(size="640x360", seconds=4.5, bframes=2))
    run_all(bench, live, "160p")
    chunks = published(bus, "b", "160p")
    for before, after in itertools.pairwise(chunks):
        if after.part:
            assert before.duration >= 0.85 * 0.4 * VIDEO_TIMESCALE
        assert before.duration <= 0.4 * VIDEO_TIMESCALE
    section = bus.run(init_section("b", "160p", chunks[0].init))
    assert section is not None
    assert decoded_times(section, chunks) == Frames.of(live.chunks).shown


def test_a_restarted_encoder_writes_the_same_parameter_sets(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(seconds=6))
    for msn in range(live.last_msn + 1):
        run(bench, live, msn, "160p")
        bench.warm.close()
    assert len({chunk.init for chunk in published(bus, "b", "160p")}) == 1
    assert_exact(live, "160p")


# Warm encoders


def encoders(bench: Workbench) -> list[int]:
    return sorted(encoder.pid for encoder in bench.warm.encoders)


@pytest.mark.parametrize("bframes", [0, 2])
def test_one_encoder_serves_all_segments(bus: Valkey, bench: Workbench, bframes: int) -> None:
    live = broadcast(bus, clip(seconds=7, bframes=bframes))
    seen = set()
    for msn in range(live.last_msn):
        run(bench, live, msn, "160p")
        seen.update(encoders(bench))
    assert len(seen) == 1


def test_another_set_of_renditions_gets_another_encoder(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(size="640x480", seconds=5))
    run(bench, live, 0, "160p")
    first = encoders(bench)
    run(bench, live, 1, "160p", "360p")
    assert encoders(bench) != first


def test_the_next_task_waits_for_the_one_at_work(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=6)
    live = Broadcaster(bus, track)
    waiting = [order(bus, "b", msn, "160p") for msn in (0, 1)]
    threads = [
        threading.Thread(target=transcode, args=(Order("b", msn, token, ("160p",)), bench))
        for msn, token in enumerate(waiting)
    ]
    for thread in threads:
        thread.start()
    live.publish(units)
    live.end()
    for thread in threads:
        thread.join()
    assert len(encoders(bench)) == 1
    assert_in_order(published(bus, "b", "160p"))


# Takeover


def begin_elsewhere(live: Broadcaster, bench: Workbench, msn: int, parts: int, *renditions: str) -> str:
    """An attempt at the segment that got `parts` parts out before its worker died; answers its token."""
    donor = Broadcaster(live.bus, live.track, broadcast="donor")
    donor.publish(live.units)
    donor.end()
    run(bench, donor, msn, *renditions)
    token = order(live.bus, "b", msn, *renditions)
    live.bus.run(tasks.claim("b", msn, token, renditions, instance="dead"))
    for rendition in renditions:
        for chunk in published(live.bus, "donor", rendition)[:parts]:
            live.bus.run(tasks.publish_part("b", token, rendition, chunk))
    return token


@pytest.mark.parametrize("parts", [0, 1, 4])
def test_a_takeover_goes_on_with_the_first_unpublished_part(bus: Valkey, bench: Workbench, parts: int) -> None:
    live = broadcast(bus, clip(size="640x480", seconds=7))
    dead = begin_elsewhere(live, bench, 1, parts, "360p", "160p")
    token = order(bus, "b", 1, "360p", "160p", expected=dead)
    transcode(Order("b", 1, token, ("360p", "160p")), bench)
    for rendition in ("360p", "160p"):
        chunks = published(bus, "b", rendition)
        assert_in_order(chunks)
        assert chunks[parts].independent
        expected = [shown for shown in Frames.of(live.chunks).shown if 180_000 <= shown < 360_000]
        assert Frames.of(chunks).shown == expected


def test_a_takeover_with_other_parameter_sets_is_a_gap_and_then_another_init_section(
    bus: Valkey, bench: Workbench, tmp_path: Path
) -> None:
    live = broadcast(bus, clip(seconds=7))
    dead = begin_elsewhere(live, bench, 1, 2, "160p")
    elsewhere = replace(bench, warm=WarmEncoders(time.monotonic), ffmpeg=other_parameter_sets(tmp_path))
    transcode(Order("b", 1, order(bus, "b", 1, "160p", expected=dead), ("160p",)), elsewhere)
    run(elsewhere, live, 2, "160p")
    elsewhere.warm.close()
    chunks = published(bus, "b", "160p")
    assert_in_order(chunks)
    assert [chunk.gap for chunk in chunks] == [False, False, True, True, True] + [False] * 5
    assert len({chunk.init for chunk in chunks if chunk.msn == 1}) == 1
    assert chunks[-1].init != chunks[0].init
    assert len({chunk.discontinuity for chunk in chunks}) == 1


def other_parameter_sets(folder: Path) -> str:
    """An ffmpeg that writes another SPS, as a GPU's encoder would."""
    script = folder / "ffmpeg"
    turned = 'for word; do words+=("${word/#main/high}"); done'
    script.write_text(f'#!/bin/bash\n{turned}\nexec {settings.FFMPEG} "${{words[@]}}"\n')
    script.chmod(0o755)
    return str(script)


def test_a_stopped_attempt_that_wakes_publishes_nothing(bus: Valkey, bench: Workbench) -> None:
    broadcast(bus, clip(seconds=5))
    old = order(bus, "b", 0, "160p")
    newest = order(bus, "b", 0, "160p", expected=old)
    transcode(Order("b", 0, newest, ("160p",)), bench)
    before = published(bus, "b", "160p")
    with pytest.raises(StaleToken):
        transcode(Order("b", 0, old, ("160p",)), bench)
    assert published(bus, "b", "160p") == before


def test_a_refused_attempt_drops_its_encoder(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    token = order(bus, "b", 0, "160p")
    failures: list[Exception] = []

    def attempt() -> None:
        try:
            transcode(Order("b", 0, token, ("160p",)), bench)
        except AttemptError as error:
            failures.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    eventually(lambda: published(bus, "b", "160p"))
    order(bus, "b", 0, "160p", expected=token)
    live.publish(units[30:])
    thread.join()
    assert [type(failure) for failure in failures] == [AttemptRefused]
    eventually(lambda: all(encoder.ended for encoder in bench.warm.encoders))


def test_an_attempt_that_has_nothing_to_publish_learns_that_another_has_its_place(
    bus: Valkey, bench: Workbench
) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    token = order(bus, "b", 0, "160p")
    with ThreadPoolExecutor(1) as pool:
        ends = pool.submit(transcode, Order("b", 0, token, ("160p",)), bench)
        eventually(lambda: published(bus, "b", "160p"))
        order(bus, "b", 0, "160p", expected=token)  # and no more source comes
        with pytest.raises(AttemptRefused):
            ends.result(10)


def test_a_message_delivered_twice_is_carried_out_once(bus: Valkey, bench: Workbench) -> None:
    broadcast(bus, clip(seconds=5))
    token = order(bus, "b", 0, "160p")
    transcode(Order("b", 0, token, ("160p",)), bench)
    with pytest.raises(StaleToken):  # what is done needs no attempt
        transcode(Order("b", 0, token, ("160p",)), bench)


def test_a_crashed_ffmpeg_is_told_at_once(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    token = order(bus, "b", 0, "160p")

    def crash() -> None:
        eventually(lambda: published(bus, "b", "160p"))
        for encoder in bench.warm.encoders:
            encoder.kill()

    thread = threading.Thread(target=crash)
    thread.start()
    with pytest.raises(EncoderFailed):
        transcode(Order("b", 0, token, ("160p",)), bench)
    thread.join()
    assert "ffmpeg" in bus.run(observe("b", segments=1)).tasks[0].attempts[token].failed


def test_what_may_be_the_segment_s_fault_is_told_so(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(seconds=5))
    crashing = replace(bench, ffmpeg="false")
    token = order(bus, "b", 0, "160p")
    with pytest.raises(EncoderFailed):
        transcode(Order("b", 0, token, ("160p",)), crashing)
    stopping = replace(bench, draining=lambda: True)
    other = order(bus, "b", 1, "160p")
    with pytest.raises(Draining):
        transcode(Order("b", 1, other, ("160p",)), stopping)
    found = bus.run(observe("b", segments=live.last_msn)).tasks
    assert found[0].attempts[token].crashed
    assert not found[1].attempts[other].crashed
    assert found[1].attempts[other].failed


@pytest.mark.parametrize("published_parts", [0, 1], ids=["from the start", "in the middle"])
def test_a_hung_ffmpeg_is_killed_and_the_slot_is_free(bus: Valkey, bench: Workbench, published_parts: int) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    token = order(bus, "b", 0, "160p")

    def swept() -> bool:
        bench.warm.sweep()
        return not bench.warm.encoders

    def hang() -> None:
        eventually(lambda: len(published(bus, "b", "160p")) >= published_parts and bench.warm.encoders)
        for encoder in bench.warm.encoders:
            os.kill(encoder.pid, signal.SIGSTOP)
        live.publish(units[30:])
        eventually(swept)

    thread = threading.Thread(target=hang)
    thread.start()
    began = time.monotonic()
    with pytest.raises(EncoderFailed):
        transcode(Order("b", 0, token, ("160p",)), bench)
    thread.join()
    assert time.monotonic() - began < START_SECONDS + HANG_SECONDS + 5
    assert bus.run(observe("b", segments=3)).tasks[0].attempts[token].crashed


def test_an_attempt_ends_with_its_deadline(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    token = order(bus, "b", 0, "160p")
    bus.run(tasks.shorten_deadline("b", 0, "160p", late_ms=500))
    with pytest.raises(AttemptError, match=r"over|passed|nothing more"):
        transcode(Order("b", 0, token, ("160p",)), bench)


# The source's troubles


def test_a_reconnect_ends_the_segment_and_starts_another_encoder(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=3, bframes=2)
    live = Broadcaster(bus, track)
    live.publish(units)
    live.reconnect(after_ms=5_000)
    live.publish(units)
    live.end()
    run_all(bench, live, "160p")
    source, made = Frames.of(live.chunks), Frames.of(chunks := published(bus, "b", "160p"))
    assert made.shown == source.shown
    assert {chunk.discontinuity for chunk in chunks} == {0, 1}
    assert [chunk.wall_ms for chunk in chunks if not chunk.part] == live.segment_walls


def test_a_reconnect_in_another_size_and_codec(bus: Valkey, bench: Workbench) -> None:
    quiet = ("-x265-params", "log-level=none:open-gop=0", "-preset", "ultrafast")
    track, units = clip(codec="libx265", size="360x640", seconds=3, options=quiet)
    live = broadcast(bus, clip(seconds=3), over=False)
    live.reconnect(after_ms=1_000)
    live.change(track)
    live.publish(units)
    live.end()
    run_all(bench, live, "160p")
    made = Frames.of(chunks := published(bus, "b", "160p"))
    assert made.shown == Frames.of(live.chunks).shown
    assert len({chunk.init for chunk in chunks}) == 2


def test_a_gap_in_the_source_is_one_in_its_renditions(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(seconds=5))
    with_gap = Broadcaster(bus, live.track, broadcast="gap")
    kept = [chunk for chunk in live.chunks if chunk.msn or chunk.part < 2]
    first = kept[0]
    missing = replace(
        first, part=2, dts=72_000, duration=108_000, independent=False, closes=Closes.SEGMENT, data=b"", gap=True
    )
    kept.insert(next(at for at, chunk in enumerate(kept) if chunk.msn), missing)
    with_gap.copy(live, kept)
    for msn in (0, 1):
        run(bench, with_gap, msn, "160p")
    chunks = published(bus, "gap", "160p")
    assert [chunk.gap for chunk in chunks if not chunk.msn] == [False, False, True, True, True]
    assert not any(chunk.gap for chunk in chunks if chunk.msn)
    for before, after in itertools.pairwise(chunks):
        assert after.dts == before.dts + before.duration


def test_a_source_cut_without_an_idr_is_decoded_from_the_one_before(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(gop=600, seconds=16))
    forced = next(chunk.msn for chunk in live.chunks if chunk.part == 0 and not chunk.independent)
    run(bench, live, forced, "160p")
    chunks = published(bus, "b", "160p")
    assert chunks[0].independent
    assert Frames.of(chunks).shown == Frames.of([each for each in live.chunks if each.msn == forced]).shown


# Bit rates


def test_a_calm_broadcast_gets_a_lower_rate_between_segments(bus: Valkey, bench: Workbench) -> None:
    live = broadcast(bus, clip(seconds=6))
    run(bench, live, 0, "160p")
    (before,) = bench.warm.encoders
    for _ in range(SEGMENTS):
        bench.motions.measured(live.broadcast, {"160p": 5.0}, {rung.name: rung for rung in before.rungs})
    run(bench, live, 1, "160p")
    rates = {encoder.rungs[0].bitrate for encoder in bench.warm.encoders if encoder is not before}
    assert rates == {int(before.rungs[0].bitrate * 0.85)}
    run(bench, live, 2, "160p")
    assert_exact(live, "160p")
    assert {chunk.init for chunk in published(bus, live.broadcast, "160p")} == {
        published(bus, live.broadcast, "160p")[0].init
    }


def test_the_encoder_tells_how_hard_a_picture_is() -> None:
    track, units = clip(seconds=4, size="640x360")
    rungs = ladder(Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, 640, 360, 30_000))
    encoder = Encoder(settings.FFMPEG, track, rungs, first=units[0], starts={})
    for unit in units:
        encoder.feed([unit], unit.dts + 3_000)
    encoder.finish()
    encoder.join()
    assert encoder.failure is None
    found = encoder.quantisers()
    assert found.keys() == {rung.name for rung in rungs}
    assert all(1 < quantiser < 51 for quantiser in found.values())
