"""WHIP's HTTP: what is answered to whom (RFC 9725 4)."""

from __future__ import annotations

import httpx
import pytest

from streaming.ingest.limits import Limits
from streaming.ingest.whip.app import ice_server_link

from .conftest import Whip
from .encoder import CodedTrack, WhipEncoder

pytestmark = pytest.mark.django_db(transaction=True)

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = "a=candidate:1 1 udp 2130706431 192.0.2.200 40000 typ host"


async def offered(whip: Whip, key: str) -> tuple[WhipEncoder, str]:
    encoder = whip.encoder(key)
    return encoder, await encoder.offer(CodedTrack("video", []), CodedTrack("audio", []))


async def begun(whip: Whip, key: str) -> tuple[WhipEncoder, httpx.Response]:
    encoder, offer = await offered(whip, key)
    response = await encoder.post(offer)
    await encoder.accept(response)
    return encoder, response


async def test_a_session_is_created_as_the_rfc_says(whip: Whip, key: str) -> None:
    _, response = await begun(whip, key)
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/sdp"
    assert response.headers["location"].startswith("/whip/")
    assert response.headers["etag"].startswith('"')
    assert response.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "Location" in response.headers["access-control-expose-headers"]
    assert response.headers["link"] == (
        '<stun:stun.example.org:3478>; rel="ice-server", '
        '<turn:turn.example.org:3478>; rel="ice-server"; username="me"; credential="secret"; '
        'credential-type="password"'
    )
    assert response.text.count("a=recvonly") == 2
    assert "H264/90000" in response.text
    assert "VP8" not in response.text


async def test_preflights_are_answered(whip: Whip) -> None:
    async with httpx.AsyncClient() as client:
        for path, header in (("", "accept-post"), ("/anything", "accept-patch")):
            response = await client.options(whip.url + path)
            assert response.status_code == 200
            assert header in response.headers
            assert "Authorization" in response.headers["access-control-allow-headers"]
            assert "DELETE" in response.headers["access-control-allow-methods"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_reserved_methods_are_refused(whip: Whip, method: str) -> None:
    async with httpx.AsyncClient() as client:
        for path in ("", "/anything"):
            response = await client.request(method, whip.url + path)
            assert response.status_code == 405
            assert response.headers["allow"]


async def test_keys_are_asked_for_and_wrong_ones_counted(whip: Whip, key: str) -> None:
    encoder, offer = await offered(whip, key)
    response = await encoder.post(offer, Authorization="Basic abc")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    for _ in range(Limits().wrong_keys):
        response = await encoder.post(offer, Authorization="Bearer live_nobodyhasthis")
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    response = await encoder.post(offer)
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (lambda offer: offer.replace("H264", "VP8"), 422, "only H.264 can be broadcast"),
        (lambda offer: offer.replace("opus", "speex"), 422, "must be offered as Opus"),
        (lambda offer: offer.replace("sendonly", "recvonly"), 422, "sendonly"),
        (lambda offer: offer.replace("a=group:BUNDLE 0 1", ""), 422, "BUNDLE"),
        (lambda offer: offer.replace("m=audio", "m=application"), 422, "no use for a track"),
        (lambda offer: offer + offer[offer.index("m=video") :], 422, "one video and one audio"),
        (lambda offer: offer.replace("sha-", "md"), 422, "fingerprint"),
        (lambda offer: offer.replace("a=ice-pwd", "a=no"), 422, "ICE credentials"),
        (lambda _: "nonsense", 400, "no SDP"),
        (lambda _: "v=0\r\n", 422, "at least one"),
        (lambda offer: offer + "a=x\r\n" * 20_000, 413, "bytes"),
        (lambda offer: offer + "a=candidate:broken\r\n", 400, "no ICE candidate"),
    ],
)
async def test_offers_that_do_not_suit_are_refused_with_a_sentence(
    whip: Whip, key: str, change: object, status: int, says: str
) -> None:
    encoder, offer = await offered(whip, key)
    assert callable(change)
    response = await encoder.post(change(offer))
    assert response.status_code == status
    assert says in response.json()["message"]
    assert await whip.ingest.broadcasts() == []


async def test_another_content_type_is_refused(whip: Whip, key: str) -> None:
    encoder, offer = await offered(whip, key)
    response = await encoder.post(offer, **{"Content-Type": "application/json"})
    assert (response.status_code, response.headers["accept-post"]) == (415, "application/sdp")


async def test_candidates_are_trickled_with_the_session_s_tag(whip: Whip, key: str) -> None:
    encoder, _ = await begun(whip, key)

    async def patch(content: str = CANDIDATE, **headers: str) -> int:
        return (await encoder.request("PATCH", content=content, **{**FRAGMENT, **headers})).status_code

    assert await patch() == 428
    assert await patch(**{"If-Match": '"another"'}) == 412
    assert await patch(**{"If-Match": f"W/{encoder.tag}"}) == 412
    for condition in ("*", '"*"', f'"another", {encoder.tag}'):
        assert await patch(**{"If-Match": condition}) == 204
    assert await patch(**{"If-Match": encoder.tag}) == 204
    assert await patch("a=candidate:1 1 udp 1 something.local 4 typ host", **{"If-Match": encoder.tag}) == 204
    assert await patch("a=candidate:broken", **{"If-Match": encoder.tag}) == 400
    assert await patch(CANDIDATE, **{"If-Match": encoder.tag, "Content-Type": "application/sdp"}) == 415
    assert await patch("a=end-of-candidates", **{"If-Match": encoder.tag}) == 204
    assert await patch("a=end-of-candidates", **{"If-Match": encoder.tag}) == 204


async def test_ice_is_not_restarted_before_it_was_started(whip: Whip, key: str) -> None:
    encoder, _ = await begun(whip, key)
    for fragment, status in (("a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901", 503), ("a=ice-ufrag:x", 400)):
        response = await encoder.request("PATCH", content=fragment, **FRAGMENT, **{"If-Match": "*"})
        assert response.status_code == status


async def test_a_session_is_its_key_s_own(whip: Whip, key: str) -> None:
    encoder, _ = await begun(whip, key)
    assert (await encoder.request("DELETE", Authorization="Bearer another")).status_code == 401
    assert (await encoder.request("DELETE")).status_code == 200
    encoder.resource = f"{whip.url}/nobody"
    assert (await encoder.request("DELETE")).status_code == 404


def test_credentials_of_ice_servers_are_quoted() -> None:
    link = ice_server_link("turns:a%22b:c%5Cd@turn.example.org?transport=tcp")
    assert link.startswith('<turns:turn.example.org?transport=tcp>; rel="ice-server"; ')
    assert 'username="a\\"b"; credential="c\\\\d"' in link
