"""Every playlist of a broadcast's life, read as strictly as we can."""

from __future__ import annotations

import httpx

from streaming.bus import publication
from streaming.bus.redis import AsyncValkey
from streaming.media import SOURCE
from tests.streaming.bus.chunks import PARTS, chunk, segment
from tests.streaming.playback.publisher import Publisher
from tests.strict_hls import Reader, parse_multivariant


async def test_every_playlist_of_a_broadcast_keeps_the_rules(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=1)
    parse_multivariant((await player.get("manifest.m3u8")).text)
    plain, delta = Reader(), Reader()
    url = "source/index.m3u8"
    plain.take((await player.get(url)).text)
    delta.take((await player.get(url)).text)
    for msn in range(1, 26):
        discontinuity = msn // 9
        for part in range(PARTS):
            gap = msn == 14 and part > 2
            await publisher.put([chunk(msn, part, discontinuity=discontinuity, init=discontinuity, gap=gap)])
            reload = f"{url}?_HLS_msn={msn}&_HLS_part={part}"
            assert plain.take((await player.get(reload)).text).newest == (msn, part)
            seen = delta.take((await player.get(reload + "&_HLS_skip=YES")).text)
            assert seen.newest == (msn, part)
            assert plain.latest is not None
            assert seen.segments == plain.latest.segments
    await bus.run(publication.end(publisher.broadcast))
    ended = plain.take((await player.get(f"{url}?_HLS_msn=26")).text)
    assert ended.ended
    for one in ended.closed:
        body = await player.get(f"source/{one.msn}.m4s")
        if one.msn == 14:
            assert body.status_code == 404
        else:
            assert body.content == b"".join(part.data for part in segment(one.msn)), SOURCE
