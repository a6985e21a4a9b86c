"""A WHIP encoder in the test's own process: aiortc, sending a clip that was encoded beforehand.

So every byte that must arrive is known. What it sends can be led through a relay that loses and delays packets.
"""

from __future__ import annotations

import asyncio
import fractions
import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aioice
import av
import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.streaming.flv.clips import clip

VIDEO_BASE = fractions.Fraction(1, 90_000)
AUDIO_BASE = fractions.Fraction(1, 48_000)

WAVE = (struct.pack("<hh", 8_000, 8_000) * 48 + struct.pack("<hh", -8_000, -8_000) * 48) * 10
"""20 ms of 500 Hz in stereo."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One coded picture or sound: `at` in ticks of its clock, `data` as Annex B or an Opus packet."""

    at: int
    data: bytes


def pictures(*more: str, seconds: int = 5) -> list[Coded]:
    """A test picture in H.264, 30 fps, without B-frames, a keyframe each second."""
    found = []
    with av.open(io.BytesIO(clip("h264", "-bf", "0", *more, seconds=seconds)), "r") as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            for filtered in annex_b.filter(packet):
                assert filtered.pts is not None
                found.append(Coded(filtered.pts * 90, bytes(filtered)))
    return found


def sounds(seconds: int = 5) -> list[Coded]:
    """A tone in Opus, packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.time_base = 48_000, "stereo", "s16", AUDIO_BASE
    samples = 960
    found = []
    for number in range(seconds * 50):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=samples)
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * samples, AUDIO_BASE
        frame.planes[0].update(WAVE)
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return [Coded(number * samples, data) for number, data in enumerate(found)]


class CodedTrack(MediaStreamTrack):
    """Sends what is given, each at its time; then nothing more."""

    def __init__(self, kind: str, coded: Sequence[Coded], *, pace: float = 1.0) -> None:
        super().__init__()
        self.kind = kind
        self._base = VIDEO_BASE if kind == "video" else AUDIO_BASE
        self._coded = iter(coded)
        self._pace = pace
        self._began: float | None = None
        self.sent = asyncio.Event()

    async def recv(self) -> Any:
        loop = asyncio.get_running_loop()
        coded = next(self._coded, None)
        if coded is None:
            self.sent.set()
            await asyncio.Event().wait()
            raise MediaStreamError
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(self._began + float(coded.at * self._base) / self._pace - loop.time())
        packet = av.Packet(coded.data)
        packet.pts = packet.dts = coded.at
        packet.time_base = self._base
        return packet


class WhipEncoder:
    """Publishes to `url` with `key` until `stop` or `vanish`. `relay` stands for the server's address, if given."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.resource = ""
        self.tag = ""
        self.tracks: list[CodedTrack] = []
        self.peer = RTCPeerConnection()
        self._http = httpx.AsyncClient(timeout=15)
        self._ways: list[aioice.Connection] = []

    async def offer(self, *tracks: CodedTrack) -> str:
        self.tracks += tracks
        for track in tracks:
            transceiver = self.peer.addTransceiver(track, direction="sendonly")
            if track.kind == "video":
                codecs = transceiver.sender.getCapabilities("video").codecs
                transceiver.setCodecPreferences([codec for codec in codecs if codec.name == "H264"])
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def post(self, offer: str, **headers: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/sdp", **headers}
        return await self._http.post(self.url, content=offer, headers=headers)

    async def publish(self, *tracks: CodedTrack) -> None:
        """Sends tracks from now on."""
        response = await self.post(await self.offer(*tracks))
        assert response.status_code == 201, response.text
        await self.accept(response)

    async def accept(self, response: httpx.Response, answer: str = "") -> None:
        self.resource = str(httpx.URL(self.url).join(response.headers["location"]))
        self.tag = response.headers["etag"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer or response.text, "answer"))

    async def request(self, method: str, *, content: str = "", **headers: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        return await self._http.request(method, self.resource, content=content, headers=headers)

    async def restart(self, answered: Callable[[httpx.Response], None]) -> None:
        """Another ICE session, from other sockets: what a browser does when it has come to another network."""
        former = self.peer.getSenders()[0].transport.transport
        way = aioice.Connection(ice_controlling=True)
        self._ways.append(way)
        await way.gather_candidates()
        lines = [f"a=ice-ufrag:{way.local_username}", f"a=ice-pwd:{way.local_password}"]
        lines += [f"a=candidate:{candidate.to_sdp()}" for candidate in way.local_candidates]
        response = await self.request(
            "PATCH",
            content="\r\n".join([*lines, "a=end-of-candidates"]),
            **{"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"},
        )
        answered(response)
        told = [line.removeprefix("a=").partition(":") for line in response.text.splitlines()]
        way.remote_username = next(value for name, _, value in told if name == "ice-ufrag")
        way.remote_password = next(value for name, _, value in told if name == "ice-pwd")
        for value in [value for name, _, value in told if name == "candidate"]:
            await way.add_remote_candidate(aioice.Candidate.from_sdp(value))
        await way.add_remote_candidate(None)
        await way.connect()
        # from here on nothing goes the former way, and what comes is read as if it had
        way.data_received = former._connection.data_received  # type: ignore[method-assign]
        former._send = way.send
        self.tag = response.headers["etag"]

    async def sent(self) -> None:
        """Waits until all tracks have said all they have to."""
        for track in self.tracks:
            await track.sent.wait()

    async def stop(self) -> httpx.Response:
        """Ends the session as an encoder does whose user presses stop."""
        response = await self.request("DELETE")
        await self.close()
        return response

    async def close(self) -> None:
        """Hangs up."""
        await self.peer.close()
        for way in self._ways:
            await way.close()
        await self._http.aclose()
