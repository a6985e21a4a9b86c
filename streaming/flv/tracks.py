"""From tag bodies to tracks and access units, and back: the one way RTMP's media and ffmpeg's output take."""

from __future__ import annotations

from streaming.flv import nal, obu
from streaming.flv.aac import AudioSpecificConfig, parse_audio_specific_config
from streaming.flv.audio import AudioData, AudioKind, build_audio, parse_audio
from streaming.flv.errors import FlvTagError
from streaming.flv.tag import Tag, TagType
from streaming.flv.video import VideoData, VideoKind, build_video, parse_video
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Codec, Track

TICKS_PER_MS = VIDEO_TIMESCALE // 1000
MAX_CONFIG = 64 * 1024


class VideoTrackReader:
    """Video bodies in, `Track` and `AccessUnit` out.

    A `Track` comes when a configuration came that differs from the last one; its width and height are 0, since reading
    parameter sets is the packager's. Frames before the first configuration are dropped: nothing could decode them.
    """

    def __init__(self) -> None:
        self._config = b""
        self._codec: Codec | None = None
        self._length_size = 4

    def read(self, body: bytes, timestamp: int) -> Track | AccessUnit | None:
        """Read the body of a video tag with its timestamp in ms. Raises FlvTagError, UnsupportedCodecError."""
        data = parse_video(body)
        if data is None or data.kind is VideoKind.END:
            return None
        if data.kind is VideoKind.CONFIG:
            return self._configure(data)
        if data.codec is not self._codec or not data.payload:
            return None
        payload = data.payload
        if data.codec is Codec.AV1:
            payload = obu.without_delimiters(payload)
            sync = obu.is_key(payload)
        else:
            if self._length_size != 4:
                payload = nal.lengthened(payload, self._length_size)
            sync = nal.is_idr(data.codec, payload)
        dts = timestamp * TICKS_PER_MS
        pts = dts + data.composition_ms * TICKS_PER_MS
        return AccessUnit(dts, pts, payload, sync, recovery=data.keyframe and not sync)

    def _configure(self, data: VideoData) -> Track | None:
        config = data.payload
        if not config or len(config) > MAX_CONFIG:
            raise FlvTagError(f"a decoder configuration record of {len(config)} bytes")
        if (data.codec, config) == (self._codec, self._config):
            return None
        if data.codec is not Codec.AV1:
            self._length_size = nal.length_size(data.codec, config)
        self._codec, self._config = data.codec, config
        if self._length_size != 4 and data.codec is not Codec.AV1:
            config = nal.with_long_lengths(data.codec, config)
        return Track(data.codec, VIDEO_TIMESCALE, config)


class AudioTrackReader:
    """AAC bodies in, `Track` and `AccessUnit` out; milliseconds become a continuous count of samples.

    A frame follows its predecessor sample by sample as long as its timestamp agrees to within half a frame and the
    rounding of a millisecond; else the encoder dropped or inserted something, and the count starts anew from there.
    """

    def __init__(self) -> None:
        self._raw = b""
        self._config: AudioSpecificConfig | None = None
        self._next = 0
        self._running = False

    def read(self, body: bytes, timestamp: int) -> Track | AccessUnit | None:
        """Read the body of an audio tag with its timestamp in ms. Raises FlvTagError, UnsupportedCodecError."""
        data = parse_audio(body)
        if data is None or data.kind is AudioKind.END:
            return None
        if data.kind is AudioKind.CONFIG:
            return self._configure(data)
        if self._config is None or not data.payload:
            return None
        rate, frame = self._config.core_rate, self._config.frame_samples
        # compared in thousandths of a sample, so that nothing is rounded before the comparison
        tolerance = frame * 500 + rate
        if not self._running or abs(timestamp * rate - self._next * 1000) > tolerance:
            self._next = (timestamp * rate + 500) // 1000
            self._running = True
        dts = self._next
        self._next += frame
        return AccessUnit(dts, dts, data.payload, sync=True)

    def _configure(self, data: AudioData) -> Track | None:
        if not data.payload and self._config is not None:
            return None
        if len(data.payload) > MAX_CONFIG:
            raise FlvTagError(f"an AudioSpecificConfig of {len(data.payload)} bytes")
        if self._config is not None and data.payload == self._raw:
            return None
        config = parse_audio_specific_config(data.payload)
        self._raw, self._config, self._running = data.payload, config, False
        return Track(
            Codec.AAC, config.core_rate, data.payload, sample_rate=config.sample_rate, channels=config.channels
        )


def config_tag(track: Track, timestamp: int = 0) -> Tag:
    """The tag that configures a decoder for the track. `timestamp` in ms."""
    if track.codec is Codec.AAC:
        return Tag(TagType.AUDIO, timestamp, build_audio(AudioData(AudioKind.CONFIG, track.config)))
    return Tag(TagType.VIDEO, timestamp, build_video(VideoData(VideoKind.CONFIG, track.codec, track.config)))


def frame_tag(track: Track, unit: AccessUnit) -> Tag:
    """The tag that carries an access unit; its ticks are rounded to ms, which is exact for what came from FLV."""
    dts = _ms(unit.dts, track.timescale)
    if track.codec is Codec.AAC:
        return Tag(TagType.AUDIO, dts, build_audio(AudioData(AudioKind.FRAME, unit.data)))
    composition = _ms(unit.pts, track.timescale) - dts
    data = VideoData(VideoKind.FRAME, track.codec, unit.data, keyframe=unit.sync, composition_ms=composition)
    return Tag(TagType.VIDEO, dts, build_video(data))


def _ms(ticks: int, timescale: int) -> int:
    return (ticks * 1000 + timescale // 2) // timescale
