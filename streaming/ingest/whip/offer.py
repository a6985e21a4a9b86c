"""Offer and answer (RFC 9725 4.2, RFC 9429): what an encoder wants to send, and what we agree to. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streaming.ingest.whip import sdp
from streaming.ingest.whip.errors import BadRequest, Unsuitable

PROTOCOL = "UDP/TLS/RTP/SAVPF"
HASHES = frozenset({"sha-256", "sha-384", "sha-512"})
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
"""The header extension that the sender's bandwidth is estimated from."""
EXTENSIONS = frozenset({"urn:ietf:params:rtp-hdrext:sdes:mid", SEND_TIME})
FEEDBACK = frozenset({"nack", "nack pli", "goog-remb"})
LEVEL_5_2 = "34"
"""H.264 level of the answer where levels may differ: the highest that is passed through (RFC 6184 8.2.2)."""
START_KBPS = 2_500
OPUS_FMTP = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000"
"""Stereo has to be asked for: browsers send mono by default (RFC 7587 6.1)."""
MAX_CANDIDATES = 32


@dataclass(frozen=True, slots=True)
class Media:
    """One track of the offer that is taken. `extensions` are id and URI, `feedback` what the answer repeats."""

    kind: str
    mid: str
    payload_type: int
    codec: str
    fmtp: str
    clock_rate: int
    extensions: tuple[tuple[int, str], ...]
    feedback: tuple[str, ...]
    reduced_size: bool
    resent_as: int | None
    """The payload type of packets that are sent again (RFC 4588), None where they come as they were."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an encoder offers, agreed to: at most one video and one audio track over one transport.

    `candidates` are values of a=candidate, those that can be tried.
    """

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    media: tuple[Media, ...]
    candidates: tuple[str, ...]
    complete: bool
    """No more candidates will be trickled."""

    def track(self, kind: str) -> Media | None:
        return next((media for media in self.media if media.kind == kind), None)


def read_offer(text: str) -> Offer:
    """The offer, if it can be agreed to as a whole: a part of it is never refused (RFC 9725 4.4.3).

    Raises BadRequest, Unsuitable.
    """
    description = sdp.parse(text)
    media = tuple(_media(section) for section in description.media)
    kinds = [one.kind for one in media]
    if not kinds or len(set(kinds)) != len(kinds):
        raise Unsuitable("Offer one video and one audio track at most, and at least one of them.")
    types = [number for one in media for number in (one.payload_type, one.resent_as) if number is not None]
    if len(set(types)) != len(types):
        raise Unsuitable("Two tracks of one BUNDLE group need two payload types.")
    first = description.media[0]
    if len(media) > 1:
        groups = [set(group.split()[1:]) for group in description.session.values("group") if group[:6] == "BUNDLE"]
        if not any({one.mid for one in media} <= group for group in groups):
            raise Unsuitable("Offer all tracks in one BUNDLE group: they share one transport here.")
    ufrag, password = (description.value(first, name) for name in ("ice-ufrag", "ice-pwd"))
    if not ufrag or not password:
        raise Unsuitable("The offer has no ICE credentials.")
    fingerprints = tuple(_fingerprints(description, first))
    if not fingerprints:
        raise Unsuitable("The offer has no certificate fingerprint that can be checked (SHA-256).")
    setup = description.value(first, "setup") or "actpass"
    if setup not in {"actpass", "active", "passive"}:
        raise Unsuitable(f"DTLS setup {setup[:20]!r} does not exist.")
    candidates, complete = _candidates(description)
    return Offer(ufrag, password, fingerprints, setup, media, candidates, complete)


@dataclass(frozen=True, slots=True)
class IceUpdate:
    """What a fragment of an offer says later: more candidates, and perhaps new credentials, "" where it has none."""

    ufrag: str
    password: str
    candidates: tuple[str, ...]
    complete: bool


def read_update(text: str) -> IceUpdate:
    """A fragment (RFC 8840 9) with candidates, and with credentials of the present ICE session or a new one.

    Raises BadRequest.
    """
    description = sdp.parse(text)
    sections = (description.session, *description.media)
    ufrag, password = (
        next((value for section in sections for value in section.values(name)), "") for name in ("ice-ufrag", "ice-pwd")
    )
    if bool(ufrag) != bool(password):
        raise BadRequest("ice-ufrag and ice-pwd belong together.")
    candidates, complete = _candidates(description)
    return IceUpdate(ufrag, password, candidates, complete)


def _candidates(description: sdp.Description) -> tuple[tuple[str, ...], bool]:
    """Candidates of an offer or fragment that can be tried, and whether they are the last. Raises BadRequest."""
    sections = (description.session, *description.media)
    found = [_candidate(value) for section in sections for value in section.values("candidate")]
    return tuple(filter(None, found))[:MAX_CANDIDATES], any(section.has("end-of-candidates") for section in sections)


def _candidate(value: str) -> str:
    """The first eight words of a candidate (RFC 8839 5.1), "" for one that can't be tried. Raises BadRequest.

    Another transport than UDP, or a name in place of the address, is no error (RFC 9725 4.3.2): browsers hide theirs
    behind mDNS names, and find us.
    """
    words = value.split()[:8]
    if len(words) < 8 or words[6] != "typ" or not all(map(_is_number, (words[1], words[3], words[5]))):
        raise BadRequest(f"This is no ICE candidate: {value[:80]!r}.")
    try:
        ipaddress.ip_address(words[4])
    except ValueError:
        return ""
    return " ".join(words) if words[1] == "1" and words[2].lower() == "udp" else ""


def _is_number(word: str) -> bool:
    """Whether it has up to 32 bits, as far as decimals tell."""
    return word.isascii() and word.isdigit() and len(word) <= 10


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side of the transport. `candidates` are values of a=candidate, best first: FFmpeg takes only the first."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]


def write_answer(offer: Offer, transport: Transport, *, session: int) -> str:
    """The answer; `session` is a number for its o= line."""
    lines = [
        "v=0",
        f"o=- {session} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(media.mid for media in offer.media)}",
        "a=msid-semantic:WMS *",
        "a=ice-options:trickle",
    ]
    for number, media in enumerate(offer.media):
        lines += _section(media, transport, setup=answered_setup(offer.setup))
        if number == 0:  # the others are bundled with it
            lines += _our_candidates(transport)
    return "\r\n".join(lines) + "\r\n"


def write_fragment(offer: Offer, transport: Transport) -> str:
    """What answers an ICE restart (RFC 9725 4.3.3): new credentials and candidates, all else stays."""
    first = offer.media[0]
    lines = [
        "a=ice-options:trickle",
        f"a=group:BUNDLE {' '.join(media.mid for media in offer.media)}",
        f"m={first.kind} 9 {PROTOCOL} {first.payload_type}",
        f"a=mid:{first.mid}",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        *_our_candidates(transport),
    ]
    return "\r\n".join(lines) + "\r\n"


def _our_candidates(transport: Transport) -> list[str]:
    return [*(f"a=candidate:{candidate}" for candidate in transport.candidates), "a=end-of-candidates"]


def answered_setup(offered: str) -> str:
    """Our DTLS role: the server's (RFC 9725 4.4.4), unless the encoder insists on that.

    As the client we would need a server with an ECDSA certificate, the only kind that aiortc's ciphers are for, and
    GStreamer has one of RSA.
    """
    return "active" if offered == "passive" else "passive"


def _media(section: sdp.Section) -> Media:
    if section.kind not in {"video", "audio"}:
        raise Unsuitable(f"There is no use for a track of {section.kind[:20]!r} here.")
    if section.protocol != PROTOCOL:
        raise Unsuitable(f"Media must come as {PROTOCOL}.")
    if section.has("recvonly") or section.has("inactive") or not section.has("rtcp-mux"):
        raise Unsuitable("Tracks must be sendonly, with rtcp-mux.")
    payload_type, codec, fmtp = _h264(section) if section.kind == "video" else _opus(section)
    return Media(
        kind=section.kind,
        mid=section.value("mid") or "0",
        payload_type=payload_type,
        codec=codec,
        fmtp=fmtp,
        clock_rate=90_000 if section.kind == "video" else 48_000,
        extensions=tuple(_extensions(section)),
        feedback=tuple(_feedback(section, payload_type)),
        reduced_size=section.has("rtcp-rsize"),
        resent_as=_resent_as(section, payload_type),
    )


def _h264(section: sdp.Section) -> tuple[int, str, str]:
    """The encoder's favourite form of H.264 that comes in whole NAL units and fragments (RFC 6184 8.1, mode 1)."""
    for payload_type, name in _codecs(section):
        parameters = _parameters(section, payload_type)
        if name.upper() != "H264/90000" or parameters.get("packetization-mode") != "1":
            continue
        level = parameters.get("profile-level-id", "42e01f")
        if parameters.get("level-asymmetry-allowed") == "1":
            level = level[:4] + LEVEL_5_2
        fmtp = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={level}"
        # Chromium would begin at 300 kbit/s and take a minute to what it may send; others ignore it.
        return payload_type, name, f"{fmtp};x-google-start-bitrate={START_KBPS}"
    offered = sorted({name.partition("/")[0] for _, name in _codecs(section)} - {"rtx", "red", "ulpfec", "flexfec-03"})
    raise Unsuitable(
        f"The video is offered as {', '.join(offered)[:100] or 'nothing'}, and only H.264 can be broadcast here. "
        "Choose H.264 in the encoder; a browser needs one that can encode it."
    )


def _opus(section: sdp.Section) -> tuple[int, str, str]:
    for payload_type, name in _codecs(section):
        if name.lower() == "opus/48000/2":
            return payload_type, name, OPUS_FMTP
    raise Unsuitable("The audio must be offered as Opus.")


def _resent_as(section: sdp.Section, payload_type: int) -> int | None:
    """RFC 4588 8.6: a payload type of its own that is associated with the codec's."""
    for number, name in _codecs(section):
        if name.lower() == "rtx/90000" and _parameters(section, number).get("apt") == str(payload_type):
            return number
    return None


def _codecs(section: sdp.Section) -> Iterator[tuple[int, str]]:
    """Payload type and name, in the encoder's order of preference."""
    names = dict(value.partition(" ")[::2] for value in section.values("rtpmap"))
    for payload_type in section.formats:
        if payload_type in names and payload_type.isascii() and payload_type.isdigit() and int(payload_type) < 128:
            yield int(payload_type), names[payload_type].strip()


def _parameters(section: sdp.Section, payload_type: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in section.values("fmtp"):
        of, _, parameters = value.partition(" ")
        if of == str(payload_type):
            pairs = (pair.strip().partition("=") for pair in parameters.split(";"))
            found |= {name.lower(): what for name, _, what in pairs}
    return found


def _extensions(section: sdp.Section) -> Iterator[tuple[int, str]]:
    for value in section.values("extmap"):
        number, _, uri = value.partition(" ")
        number = number.partition("/")[0]
        if uri.strip() in EXTENSIONS and number.isascii() and number.isdigit() and 0 < int(number) < 256:
            yield int(number), uri.strip()


def _feedback(section: sdp.Section, payload_type: int) -> Iterator[str]:
    for value in section.values("rtcp-fb"):
        of, _, what = value.partition(" ")
        if of in {"*", str(payload_type)} and what.strip() in FEEDBACK:
            yield what.strip()


def _fingerprints(description: sdp.Description, media: sdp.Section) -> Iterator[tuple[str, str]]:
    for value in (*media.values("fingerprint"), *description.session.values("fingerprint")):
        algorithm, _, digest = value.partition(" ")
        if algorithm.lower() in HASHES and digest.strip():
            yield algorithm.lower(), digest.strip().upper()


def _section(media: Media, transport: Transport, *, setup: str) -> Sequence[str]:
    number, again = media.payload_type, media.resent_as
    return [
        f"m={media.kind} 9 {PROTOCOL} {number}" + (f" {again}" if again is not None else ""),
        "c=IN IP4 0.0.0.0",
        "a=recvonly",
        f"a=mid:{media.mid}",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        *(["a=rtcp-rsize"] if media.reduced_size else []),
        *(f"a=extmap:{number_of} {uri}" for number_of, uri in media.extensions),
        f"a=rtpmap:{number} {media.codec}",
        f"a=fmtp:{number} {media.fmtp}",
        *(f"a=rtcp-fb:{number} {feedback}" for feedback in media.feedback),
        *((f"a=rtpmap:{again} rtx/90000", f"a=fmtp:{again} apt={number}") if again is not None else ()),
    ]
