"""RTMP's media on its way to a publisher: tags in, what they carry out."""

from __future__ import annotations

from streaming.flv.errors import FlvError, UnsupportedCodecError
from streaming.flv.tag import Tag, TagType
from streaming.flv.tracks import AudioTrackReader, VideoTrackReader
from streaming.ingest.errors import PublishingRefused
from streaming.media import AccessUnit, Track


class TagReader:
    """Reads one encoder's tags, video and audio."""

    def __init__(self) -> None:
        self._video = VideoTrackReader()
        self._audio = AudioTrackReader()

    def read(self, tag: Tag) -> Track | AccessUnit | None:
        """What a tag says or carries; None for one with nothing to play. Raises PublishingRefused."""
        reader = self._video if tag.type is TagType.VIDEO else self._audio
        try:
            return reader.read(tag.body, tag.timestamp)
        except UnsupportedCodecError as error:
            raise PublishingRefused(f"{error.codec} can't be broadcast here: use H.264 with AAC.") from error
        except FlvError as error:
            raise PublishingRefused(f"The encoder sent broken media: {error}.") from error
