"""What players load of a VOD: real media in storage, asked for as hls.js asks."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from httpx import ASGITransport, AsyncClient, Response

from streaming.models import Channel
from tests.streaming.packed import Packed
from tests.vods.recorded import add_asset, add_poster, add_storyboard, packed_clip, record
from vods.access import media_token
from vods.models import AssetKind, Bundle, Clip, ClipState, Tier, Visibility, Vod, VodState
from vods.playback.app import PATH, create_app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_clip(tmp_path_factory.mktemp("clip"), seconds=9)


@pytest.fixture
def vod(transactional_db: None, channel: Channel, packed: Packed) -> Vod:
    return record(channel, packed)


class Player:
    """Asks the application, from whatever address."""

    def __init__(self) -> None:
        self.app = create_app()

    def get(self, path: str, **headers: str) -> Response:
        async def ask() -> Response:
            async with AsyncClient(transport=ASGITransport(self.app), base_url="http://test") as client:
                return await client.get(path, headers=headers)

        assert PATH.fullmatch(path.partition("?")[0])
        return async_to_sync(ask)()

    def media(self, playlist_path: str) -> Iterator[bytes]:
        """Init section and segments of a media playlist, by their ranges."""
        folder = playlist_path.rpartition("/")[0]
        text = self.get(playlist_path).text
        (init,) = re.findall(r'#EXT-X-MAP:URI="(.+)"', text)
        yield self.get(f"{folder}/{init}").content
        for size, offset, uri in re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)", text):
            answer = self.get(f"{folder}/{uri}", Range=f"bytes={offset}-{int(offset) + int(size) - 1}")
            assert answer.status_code == 206
            assert len(answer.content) == int(size)
            yield answer.content


@pytest.fixture
def player() -> Player:
    return Player()


def test_every_frame_of_the_broadcast_is_there_once_at_its_time(player: Player, vod: Vod, packed: Packed) -> None:
    manifest = player.get(f"/vods/{vod.pk}/manifest.m3u8")
    assert manifest.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert [line for line in manifest.text.splitlines() if not line.startswith("#")] == [
        "source/index.m3u8",
        "audio/index.m3u8",
    ]
    data = b"".join(player.media(f"/vods/{vod.pk}/source/index.m3u8"))
    scale = packed.timelines["source"].timescale
    with av.open(io.BytesIO(data), mode="r") as container:
        times = [
            frame.pts * frame.time_base * scale
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        ]
    assert times == packed.decoded("source")


def test_the_playlist_is_whole_and_its_times_add_up(player: Player, vod: Vod) -> None:
    text = player.get(f"/vods/{vod.pk}/source/index.m3u8").text
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    durations = [Fraction(found) for found in re.findall(r"#EXTINF:(\d+\.\d{6}),", text)]
    assert sum(durations) == Fraction(vod.duration_ms, 1000)
    assert max(durations) <= vod.target_duration + Fraction(1, 2)


def test_a_bundle_keeps_its_address_and_a_gap_has_none_to_load(player: Player, vod: Vod) -> None:
    bundle = vod.renditions.get(name="source").bundles.last()
    assert bundle is not None
    bundle.sizes[-1] = 0
    bundle.save()
    text = player.get(f"/vods/{vod.pk}/source/index.m3u8").text
    assert text.count("#EXT-X-GAP\n#EXTINF") == 1
    assert text.count("#EXT-X-BYTERANGE") == text.count("#EXTINF") - 1
    answer = player.get(f"/vods/{vod.pk}/source/{bundle.first_msn}-{bundle.crc32}.m4s")
    assert "immutable" in answer.headers["cache-control"]
    address = f"/vods/{vod.pk}/source/{bundle.first_msn}-{bundle.crc32}.m4s"
    again = player.get(address, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert player.get(f"/vods/{vod.pk}/source/{bundle.first_msn}-{bundle.crc32 + 1}.m4s").status_code == 404


def test_media_that_is_not_for_everybody_needs_its_token(player: Player, vod: Vod) -> None:
    add_poster(vod)
    Vod.objects.update(visibility=Visibility.PRIVATE)
    vod.refresh_from_db()
    bundle = vod.renditions.get(name="source").bundles.first()
    assert bundle is not None
    names = ["manifest.m3u8", "source/index.m3u8", "source/init-0.mp4", "poster.jpg"]
    names.append(f"source/{bundle.first_msn}-{bundle.crc32}.m4s")
    token = media_token(vod, user=vod.channel.user, now=vod.recorded_at.now(tz=vod.recorded_at.tzinfo))
    for name in names:
        refused = player.get(f"/vods/{vod.pk}/{name}")
        assert (refused.status_code, refused.json()["code"]) == (403, "needs_token")
        assert player.get(f"/vods/{vod.pk}/{name}?token=1.2").status_code == 403
        answer = player.get(f"/vods/{vod.pk}/{name}?token={token}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
    text = player.get(f"/vods/{vod.pk}/source/index.m3u8?token={token}").text
    uris = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(uri.endswith(f"?token={token}") for uri in [*uris, *re.findall(r'URI="(.+)"', text)])


@pytest.mark.parametrize("state", [VodState.RECORDING, VodState.DELETING, VodState.FAILED])
def test_what_does_not_play_is_not_there(player: Player, vod: Vod, state: VodState) -> None:
    Vod.objects.update(state=state)
    assert player.get(f"/vods/{vod.pk}/manifest.m3u8").json()["code"] == "unknown_video"
    assert player.get(f"/vods/{uuid4()}/manifest.m3u8").status_code == 404


def test_a_rendition_that_is_not_whole_is_not_listed(player: Player, vod: Vod) -> None:
    vod.renditions.filter(name="audio").update(complete=False)
    assert "audio" not in player.get(f"/vods/{vod.pk}/manifest.m3u8").text
    assert player.get(f"/vods/{vod.pk}/audio/index.m3u8").json()["code"] == "unknown_rendition"


def test_the_storyboard_says_which_part_of_which_sheet_is_when(player: Player, vod: Vod) -> None:
    add_storyboard(vod)
    answer = player.get(f"/vods/{vod.pk}/storyboard.vtt")
    assert answer.headers["content-type"].startswith("text/vtt")
    cues = answer.text.strip().split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1] == "00:00:00.000 --> 00:00:02.000\nstoryboard-0.jpg#xywh=0,0,160,90"
    assert cues[-1] == "00:00:08.000 --> 00:00:09.001\nstoryboard-0.jpg#xywh=640,0,160,90"
    assert player.get(f"/vods/{vod.pk}/storyboard-0.jpg").headers["content-type"] == "image/jpeg"
    assert player.get(f"/vods/{vod.pk}/storyboard-1.jpg").status_code == 404


def test_an_mp4_is_for_those_who_may_have_it(player: Player, vod: Vod) -> None:
    add_asset(vod, AssetKind.MP4, "video.mp4", b"x" * 3_000_000)
    assert player.get(f"/vods/{vod.pk}/video-0.mp4").status_code == 404
    Vod.objects.update(downloads=True)
    answer = Player().get(f"/vods/{vod.pk}/video-0.mp4")
    assert len(answer.content) == 3_000_000
    assert answer.headers["content-disposition"] == 'attachment; filename="alice-2026-09-21.mp4"'
    assert Player().get(f"/vods/{vod.pk}/video-0.mp4", Range="bytes=3000000-").status_code == 416
    assert Player().get(f"/vods/{vod.pk}/video-1.mp4").status_code == 404


def test_a_file_that_storage_lost_is_404(player: Player, vod: Vod) -> None:
    bundle = vod.renditions.get(name="source").bundles.first()
    assert bundle is not None
    bundle.key = "vods/nowhere"
    bundle.save()
    answer = player.get(f"/vods/{vod.pk}/source/{bundle.first_msn}-{bundle.crc32}.m4s")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_here")


@pytest.mark.parametrize(
    ("visibility", "status"), [(Visibility.PUBLIC, 200), (Visibility.UNLISTED, 200), (Visibility.PRIVATE, 404)]
)
def test_a_clip_is_as_open_as_what_it_was_cut_from(
    player: Player, vod: Vod, visibility: Visibility, status: int, tmp_path: Path
) -> None:
    poster = add_poster(vod)
    clip = Clip.objects.create(
        channel=vod.channel,
        vod=vod,
        title="There",
        from_ms=0,
        to_ms=5_000,
        created_at=vod.recorded_at,
        state=ClipState.READY,
        key=poster.key,
        poster_key=poster.key,
        size=poster.size,
    )
    Vod.objects.update(visibility=visibility)
    assert player.get(f"/clips/{clip.pk}/clip.mp4").status_code == status
    assert player.get(f"/clips/{clip.pk}/poster.jpg").status_code == status


def test_a_database_that_is_away_is_said_to_come_back(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")
    answer = player.get(f"/vods/{uuid4()}/manifest.m3u8")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"


def test_what_is_cold_is_refused_with_a_sentence_but_for_its_pictures(player: Player, vod: Vod) -> None:
    add_poster(vod)
    add_storyboard(vod)
    add_asset(vod, AssetKind.MP4, "video-0.mp4", b"film")
    Vod.objects.update(tier=Tier.COLD, downloads=True)
    bundle = Bundle.objects.filter(rendition__name="source").earliest("first_msn")
    uri = f"source/{bundle.first_msn}-{bundle.crc32}.m4s"
    for name in ("manifest.m3u8", "source/index.m3u8", "source/init-0.mp4", uri, "video-0.mp4"):
        answer = player.get(f"/vods/{vod.pk}/{name}")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "600"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["code"] == "cold_storage"
        assert "in cold storage. It takes some minutes to bring it back" in answer.json()["message"]
    for name in ("poster.jpg", "storyboard.vtt", "storyboard-0.jpg"):
        assert player.get(f"/vods/{vod.pk}/{name}").status_code == 200
