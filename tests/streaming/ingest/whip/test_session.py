"""A WHIP encoder from its offer to the media bus."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import httpx
import prometheus_client
import pytest

from streaming.bus import events, reading
from streaming.flv import nal
from streaming.media import AUDIO, SOURCE, BroadcastState
from tests.e2e import fragments
from tests.e2e.clip import Frame
from tests.streaming.ingest.clips import tags
from tests.streaming.ingest.conftest import Ingest

from .conftest import Whip
from .encoder import Coded, CodedTrack, pictures, sounds
from .relay import Relay, without_candidates, without_feedback

pytestmark = pytest.mark.django_db(transaction=True)

PARAMETERS = {7, 8, 9}


def coded_units(annex_b: bytes) -> tuple[bytes, ...]:
    """The NAL units that an access unit carries in an `avc1` track."""
    parts = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return tuple(part for part in parts if part and part[0] & 0x1F not in PARAMETERS)


def counted(name: str, **labels: str) -> float:
    """What Prometheus is told."""
    return prometheus_client.REGISTRY.get_sample_value(f"headrace_whip_{name}_total", labels) or 0.0


async def published(ingest: Ingest, broadcast: str, rendition: str) -> list[Frame]:
    chunks = await ingest.chunks(broadcast, rendition)
    init = await ingest.valkey.run(reading.init_section(broadcast, rendition, chunks[0].init))
    assert init is not None
    return fragments.frames(init, b"".join(chunk.data for chunk in chunks))


def numbers(frames: Sequence[Frame], sent: Sequence[Coded]) -> list[int]:
    """Which of the pictures that were sent each frame is, byte for byte."""
    known = {coded_units(one.data): number for number, one in enumerate(sent)}
    return [known[tuple(frame.data[start:end] for start, end in nal.units(frame.data))] for frame in frames]


async def test_pictures_pass_through_and_sound_becomes_aac(whip: Whip, key: str) -> None:
    sent = pictures(seconds=5)
    encoder = whip.encoder(key)
    await encoder.publish(CodedTrack("video", sent), CodedTrack("audio", sounds(5)))
    broadcast = await whip.ingest.opens(2)
    await encoder.sent()
    assert (await encoder.stop()).status_code == 200
    await whip.ingest.hears(events.BroadcastReconnecting)
    description = await whip.ingest.description(broadcast)
    source, audio = description.renditions[0], description.renditions[-1]
    assert (source.name, source.width, source.height, description.target_duration) == (SOURCE, 320, 180, 2)
    assert (audio.name, audio.codecs, audio.timescale) == (AUDIO, "mp4a.40.2", 48_000)
    frames = await published(whip.ingest, broadcast, SOURCE)
    assert numbers(frames, sent) == list(range(len(sent)))
    assert [int((frame.dts - frames[0].dts) * 90_000) for frame in frames] == [one.at - sent[0].at for one in sent]
    assert all(frame.pts == frame.dts for frame in frames)
    chunks = await whip.ingest.chunks(broadcast, AUDIO)
    assert all(after.dts == before.dts + before.duration for before, after in itertools.pairwise(chunks))
    assert {kind for kind in ("video", "audio") if counted("packets", kind=kind)} == {"video", "audio"}
    sound = chunks[-1].dts + chunks[-1].duration - chunks[0].dts
    assert abs(Fraction(sound, 48_000) - 5) < Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class Path:
    """A bad one, each way; `repaired` says whether the encoder sends again what is missing.

    `kept` is the least share of pictures that must come through: a hole that is given up costs a GOP, an eighth.
    """

    loss: float
    jitter: float = 0.05
    burst: int = 1
    repaired: bool = True
    kept: float = 0.75


PATHS = {
    "2 %": Path(0.02),
    "5 %": Path(0.05, kept=0.25),
    "2 % in bursts": Path(0.02, burst=8, kept=0.25),
    "a few that nobody sends again": Path(0.008, repaired=False),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_losses_are_repaired_or_waited_out_but_never_shown(whip: Whip, key: str, path: Path) -> None:
    """Whatever is published was sent so, byte for byte, in runs that begin with a keyframe: so it can be decoded."""
    asked = {name: counted(name) for name in ("asked_again_packets", "keyframe_requests")}
    sent = pictures("-b:v", "2M", "-minrate", "2M", seconds=8)
    encoder = whip.encoder(key)
    offer = await encoder.offer(CodedTrack("video", sent), CodedTrack("audio", sounds(8)))
    if not path.repaired:
        offer = without_feedback(offer, kind="nack")
    async with Relay(loss=path.loss, jitter=path.jitter, burst=path.burst) as relay:
        response = await encoder.post(without_candidates(offer))
        await encoder.accept(response, await relay.open(response.text))
        broadcast = await whip.ingest.opens(3 if path.repaired else 0)
        await encoder.sent()
        await encoder.stop()
        await whip.ingest.hears(events.BroadcastReconnecting)
        assert relay.lost > 3
    found = numbers(await published(whip.ingest, broadcast, SOURCE), sent)
    keyframes = {number for number, one in enumerate(sent) if any(nal[0] & 0x1F == 5 for nal in coded_units(one.data))}
    assert found[0] in keyframes
    for before, after in itertools.pairwise(found):
        assert after == before + 1 or (after > before and after in keyframes)
    again = counted("asked_again_packets") > asked["asked_again_packets"]
    assert (again, counted("keyframe_requests") > asked["keyframe_requests"]) == (path.repaired, True)
    description = await whip.ingest.description(broadcast)
    assert description.state is BroadcastState.RECONNECTING
    if path.repaired:
        # the first packet of all may be lost with nobody to miss it, which costs a GOP
        assert len(found) > path.kept * len(sent)
        assert description.target_duration == 2
    else:
        assert len(found) < len(sent)


async def test_ice_is_restarted_and_not_a_picture_is_lost(whip: Whip, key: str) -> None:
    sent = pictures(seconds=8)
    encoder = whip.encoder(key)
    await encoder.publish(CodedTrack("video", sent))
    broadcast = await whip.ingest.opens(0)
    former = encoder.tag

    def answered(response: httpx.Response) -> None:
        assert (response.status_code, response.headers["content-type"]) == (200, "application/trickle-ice-sdpfrag")
        assert response.headers["etag"] != former
        assert "a=end-of-candidates" in response.text

    await encoder.restart(answered)
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": former}
    assert (await encoder.request("PATCH", content="a=end-of-candidates", **headers)).status_code == 412
    await encoder.sent()
    assert (await encoder.stop()).status_code == 200
    await whip.ingest.hears(events.BroadcastReconnecting)
    found = numbers(await published(whip.ingest, broadcast, SOURCE), sent)
    assert found == list(range(found[0], len(sent)))


async def test_a_restart_that_finds_no_way_leaves_the_one_there_is(whip: Whip, key: str) -> None:
    sent = pictures(seconds=8)
    encoder = whip.encoder(key)
    await encoder.publish(CodedTrack("video", sent))
    broadcast = await whip.ingest.opens(0)
    fragment = "a=ice-ufrag:nobody\r\na=ice-pwd:0123456789012345678901\r\na=end-of-candidates"
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    assert (await encoder.request("PATCH", content=fragment, **headers)).status_code == 200
    await encoder.sent()
    assert (await encoder.stop()).status_code == 200
    await whip.ingest.hears(events.BroadcastReconnecting)
    found = numbers(await published(whip.ingest, broadcast, SOURCE), sent)
    assert found == list(range(found[0], len(sent)))


async def test_an_encoder_returns_to_its_broadcast(whip: Whip, key: str) -> None:
    first = whip.encoder(key)
    await first.publish(CodedTrack("video", pictures(seconds=5)))
    broadcast = await whip.ingest.opens(1)
    await first.close()  # says goodbye by DTLS alone
    await whip.ingest.hears(events.BroadcastReconnecting)
    second = whip.encoder(key)
    await second.publish(CodedTrack("video", pictures(seconds=5)))
    assert await whip.ingest.hears(events.BroadcastResumed) == broadcast
    await whip.ingest.hears(events.SegmentOpened)
    chunks = await whip.ingest.chunks(broadcast, SOURCE)
    assert {chunk.discontinuity for chunk in chunks} == {0, 1}


async def test_an_rtmp_encoder_may_go_on_with_it(whip: Whip, key: str) -> None:
    first = whip.encoder(key)
    await first.publish(CodedTrack("video", pictures(seconds=3)))
    broadcast = await whip.ingest.opens(0)
    second = whip.encoder(key)
    assert (await second.post(await second.offer(CodedTrack("video", [])))).status_code == 409
    await first.stop()
    await whip.ingest.hears(events.BroadcastReconnecting)
    await (await whip.ingest.live(key)).tags(tags())
    assert await whip.ingest.hears(events.BroadcastResumed) == broadcast


async def test_b_frames_are_refused(whip: Whip, key: str) -> None:
    sent = pictures(seconds=3)
    swapped = [*sent[:10], Coded(sent[11].at, sent[10].data), Coded(sent[10].at, sent[11].data), *sent[12:]]
    encoder = whip.encoder(key)
    await encoder.publish(CodedTrack("video", swapped))
    await whip.ingest.hears(events.BroadcastReconnecting)
    assert (await encoder.request("DELETE")).status_code == 404
