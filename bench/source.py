"""A broadcast's source on a bus, from an FLV file, at the pace of its media: ingest without its sockets.

python -m bench.source BUS_URL BROADCAST FILE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from streaming.bus import publication
from streaming.bus.epoch import epoch
from streaming.bus.redis import Valkey
from streaming.cmaf import codecs
from streaming.cmaf.outputs import InitSection, Output, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.flv.file import Demuxer
from streaming.flv.tag import TagType
from streaming.flv.tracks import VideoTrackReader
from streaming.ladder import ladder
from streaming.media import (
    PART_TARGET_MS,
    SOURCE,
    VIDEO_TIMESCALE,
    AccessUnit,
    BroadcastState,
    Description,
    Rendition,
    Track,
)


def media(file: Path) -> Iterator[Track | AccessUnit]:
    """The file's video."""
    reader = VideoTrackReader()
    for tag in Demuxer().feed(file.read_bytes()):
        found = reader.read(tag.body, tag.timestamp) if tag.type is TagType.VIDEO else None
        if found is not None:
            yield found


def publish(bus: Valkey, broadcast: str, file: Path) -> None:
    """Publishes all of it, as it would come from an encoder."""
    token = bus.run(publication.acquire(broadcast, in_epoch=bus.run(epoch()), ingest="bench")).token
    packager = SourcePackager(int(time.time() * 1000))
    init = 0

    def put(outputs: list[Output]) -> None:
        nonlocal init
        for output in outputs:
            if isinstance(output, InitSection):
                init = bus.run(publication.put_init(broadcast, SOURCE, output.data))
            elif isinstance(output, Packaged):
                chunk = replace(output.chunk, init=init)
                bus.run(publication.append(broadcast, token, SOURCE, [chunk], leading=True))

    began = time.monotonic()
    for found in media(file):
        if isinstance(found, Track):
            packager.set_track(codecs.track(found.codec, found.config))
            told = codecs.parse(found.codec, found.config)
            source = Rendition(SOURCE, told.codecs, 0, VIDEO_TIMESCALE, told.width, told.height, told.frame_rate)
            renditions = (source, *(rung.rendition for rung in ladder(source)))
            described = Description(broadcast, BroadcastState.LIVE, 0, PART_TARGET_MS, renditions)
            bus.run(publication.describe(described, token))
        else:
            time.sleep(max(0.0, began + found.dts / VIDEO_TIMESCALE - time.monotonic()))
            put(packager.add_video(found))
    put(packager.end())


if __name__ == "__main__":
    publish(Valkey(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
