"""How a broadcast arrives: what ingest measures each second, and the streamer's dashboard shows.

It lies on the bus as JSON under `{b}:health` (`bus.publication.publish_health`, `bus.reading.health`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Health:
    """One report. Rates are means over the last seconds; 0 or "" where there is no such track or nothing is known yet.

    `video_bitrate` and `audio_bitrate` are bit/s, `frame_rate` frames a second, `keyframe_interval` the seconds between
    the last two IDRs. `dropped_timestamps` counts access units since the encoder connected whose time could not be
    kept (it ran backwards or jumped). `warnings` are sentences for the streamer, most urgent first.
    """

    video_bitrate: int = 0
    audio_bitrate: int = 0
    frame_rate: float = 0.0
    keyframe_interval: float = 0.0
    width: int = 0
    height: int = 0
    video_codec: str = ""
    audio_codec: str = ""
    dropped_timestamps: int = 0
    warnings: tuple[str, ...] = ()

    def pack(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def unpack(cls, packed: bytes) -> Health:
        """The report again; fields that another version added are left out."""
        values = json.loads(packed)
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        return cls(**known | {"warnings": tuple(known.get("warnings", ()))})
