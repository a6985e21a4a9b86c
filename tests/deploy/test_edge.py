"""The edge as its real programs make it: who is asked, how often, and what a viewer gets."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.asyncio.client import connect

from deploy.edge.programs import Edge, Ports, missing
from tests import engines
from tests.deploy import origin
from tests.deploy.installation import free_ports
from tests.deploy.origin import MEGABYTE, TAG, Origin

BROADCAST = f"/streams/{UUID(int=7)}"
VIEWERS = 50


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[Origin, Origin]]:
    arrived = threading.Event()
    with origin.serving("one", arrived) as one, origin.serving("two", arrived) as two:
        yield one, two


@pytest.fixture(scope="module")
def running(origins: tuple[Origin, Origin], session_folder: Path) -> Iterator[Edge]:
    if lacking := missing():
        pytest.skip(f"no {' and no '.join(lacking)} here: apt-get install haproxy varnish")
    addresses = [each.address for each in origins]
    made = Edge(session_folder / "edge", Ports(*free_ports(5)), live=addresses, pages=addresses[:1], whip=addresses)
    made.prepare()
    with contextlib.ExitStack() as stack:
        for program in made.programs():
            stack.enter_context(engines.running(program))
        yield made


@pytest.fixture
def edge(running: Edge, origins: tuple[Origin, Origin]) -> Edge:
    """The edge, its origins as if nothing had been."""
    for each in origins:
        each.asked.clear()
        each.released.clear()
        each.arrived.clear()
        each.private, each.status = False, 200
    return running


@pytest.fixture
def viewer(edge: Edge) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, verify=trusting(edge), timeout=15) as client:
        yield client


def trusting(edge: Edge, *protocols: str) -> ssl.SSLContext:
    """A browser's TLS, which knows the edge's certificate."""
    context = ssl.create_default_context(cafile=str(edge.certificate))
    context.set_alpn_protocols(list(protocols) or ["http/1.1"])
    return context


def fresh(name: str) -> str:
    """A path that no test asked for before."""
    return f"{BROADCAST}/source/{time.monotonic_ns()}{name}"


def tried(client: httpx.Client, path: str) -> httpx.Response | None:
    """What is answered; None where the connection breaks off."""
    try:
        return client.get(path)
    except httpx.TransportError:
        return None


def asked(origins: tuple[Origin, Origin], path: str) -> int:
    return sum(each.count(path) for each in origins)


def test_browsers_get_tls_and_http_2_and_whoever_comes_without_is_sent_there(edge: Edge) -> None:
    with (
        socket.create_connection(("localhost", edge.ports.https)) as plain,
        trusting(edge, "h2", "http/1.1").wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.selected_alpn_protocol() == "h2"
        assert wrapped.version() in {"TLSv1.2", "TLSv1.3"}
    answer = httpx.get(f"http://127.0.0.1:{edge.ports.http}/alice?a=1", headers={"Host": "live.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://live.example/alice?a=1")


def test_of_all_who_wait_for_a_part_one_asks(edge: Edge, origins: tuple[Origin, Origin]) -> None:
    path = f"{fresh('wait.m3u8')}"

    async def watch() -> list[int]:
        limits = httpx.Limits(max_connections=VIEWERS)
        async with httpx.AsyncClient(base_url=edge.url, verify=trusting(edge), timeout=15, limits=limits) as client:

            async def ask() -> int:
                answer = await client.get(path, params={"_HLS_msn": 5, "_HLS_part": 1})
                return answer.status_code

            await asyncio.gather(*(client.get(f"{BROADCAST}/source/1.0.m4s") for _ in range(VIEWERS)))
            waiting = [asyncio.create_task(ask()) for _ in range(VIEWERS)]
            assert await asyncio.to_thread(origins[0].arrived.wait, 10)
            for each in origins:
                each.released.set()
            return await asyncio.gather(*waiting)

    # That they wake at once, within some ms of each other, `bench/edge.py` measures.
    assert set(asyncio.run(watch())) == {200}
    assert asked(origins, path) == 1


def test_a_playlist_is_kept_by_what_players_ask_and_by_nothing_else(
    viewer: httpx.Client, origins: tuple[Origin, Origin]
) -> None:
    path = fresh(".m3u8")
    one = "_HLS_msn=3&_HLS_part=1"
    queries = (one, "_HLS_part=1&_HLS_msn=3", "x=1&_HLS_msn=3&y=2&_HLS_part=1", "_HLS_msn=4", "z=1")
    found = [viewer.get(f"{path}?{query}").json()["query"] for query in queries]
    assert found == [one, one, one, "_HLS_msn=4", ""]
    assert asked(origins, path) == 3


def test_a_whip_session_is_asked_where_it_began(viewer: httpx.Client) -> None:
    begun = [viewer.post("/whip") for _ in range(4)]
    assert len({answer.json()["origin"] for answer in begun}) == 2
    for answer in begun:
        for method in ("PATCH", "DELETE"):
            found = viewer.request(method, answer.headers["Location"])
            assert found.json()["origin"] == answer.json()["origin"]


def test_a_dash_manifest_has_no_query(viewer: httpx.Client) -> None:
    assert viewer.get(f"{fresh('.mpd')}?_HLS_msn=3&x=1").json()["query"] == ""


@pytest.mark.parametrize("suffix", [".m3u8", ".mpd"])
def test_playlists_are_packed_for_those_who_unpack(viewer: httpx.Client, suffix: str) -> None:
    path = fresh(suffix)
    assert viewer.get(path).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in viewer.get(path, headers={"Accept-Encoding": "identity"}).headers


@pytest.mark.parametrize("status", [404, 503])
def test_what_is_not_there_yet_is_asked_again_soon(
    viewer: httpx.Client, origins: tuple[Origin, Origin], status: int
) -> None:
    path = fresh(".m4s")
    for each in origins:
        each.status = status
    assert {viewer.get(path).status_code for _ in range(5)} == {status}
    assert asked(origins, path) <= 2
    for each in origins:
        each.status = 200
    deadline = time.monotonic() + 10
    while viewer.get(path).status_code != 200:
        assert time.monotonic() < deadline


def test_a_cookie_makes_no_answer_of_media_one_viewer_s_alone(
    viewer: httpx.Client, origins: tuple[Origin, Origin]
) -> None:
    path = fresh(".m4s")
    for number in range(3):
        assert viewer.get(path, headers={"Cookie": f"sessionid={number}"}).status_code == 200
    assert asked(origins, path) == 1


def test_what_needs_a_token_is_the_origin_s_to_judge_each_time(
    viewer: httpx.Client, origins: tuple[Origin, Origin]
) -> None:
    for each in origins:
        each.private = True
    path = f"/vods/{UUID(int=8)}/source/0-1.m4s"
    answers = [viewer.get(f"{path}?token=1.a", headers={"Range": "bytes=0-9"}) for _ in range(3)]
    assert {answer.headers["X-Cache"] for answer in answers} == {"miss"}
    given = [(query, headers["range"]) for each in origins for asked, query, headers in each.asked if asked == path]
    assert given == [("token=1.a", "bytes=0-9")] * 3


def test_ranges_of_recorded_media_come_out_of_the_cache(viewer: httpx.Client, origins: tuple[Origin, Origin]) -> None:
    path = f"/vods/{UUID(int=8)}/source/{time.monotonic_ns()}-2.m4s"
    for first in (0, 1_000, MEGABYTE - 10):
        answer = viewer.get(path, headers={"Range": f"bytes={first}-{first + 9}"})
        assert (answer.status_code, answer.content) == (206, bytes((first + n) % 256 for n in range(10)))
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + 9}/{MEGABYTE}"
    assert asked(origins, path) == 1


def test_a_recording_s_media_is_asked_after_and_not_fetched_again_until_it_is_private(
    viewer: httpx.Client, origins: tuple[Origin, Origin]
) -> None:
    path = f"/vods/{UUID(int=8)}/source/{time.monotonic_ns()}-1.m4s"
    deadline = time.monotonic() + 20
    while asked(origins, path) < 3:
        answer = viewer.get(path)
        assert (answer.status_code, len(answer.content)) == (200, MEGABYTE)
        assert time.monotonic() < deadline
    given = [headers.get("if-none-match") for each in origins for at, _, headers in each.asked if at == path]
    assert given == [None, TAG, TAG]
    for each in origins:
        each.private, each.status = True, 403
    while viewer.get(path).status_code != 403:
        assert time.monotonic() < deadline


def test_films_to_take_away_are_not_kept_and_their_ranges_are_the_origin_s(
    viewer: httpx.Client, origins: tuple[Origin, Origin]
) -> None:
    path = f"/vods/{UUID(int=8)}/video-0.mp4"
    for _ in range(2):
        viewer.get(path, headers={"Range": "bytes=5-9"})
    given = [headers.get("range") for each in origins for asked, _, headers in each.asked if asked == path]
    assert given == ["bytes=5-9"] * 2


def test_one_broadcast_is_one_origin_s_and_others_are_the_other_s(viewer: httpx.Client) -> None:
    names: dict[int, set[str]] = {}
    for number in range(40):
        base = f"/streams/{UUID(int=number)}"
        for path in (f"{base}/manifest.m3u8?{number}", f"{base}/source/index.m3u8", f"{base}/status"):
            names.setdefault(number, set()).add(viewer.get(path).json()["origin"])
    assert all(len(found) == 1 for found in names.values())
    assert set.union(*names.values()) == {"one", "two"}


def test_a_room_s_sockets_meet_in_one_process(edge: Edge) -> None:
    async def enter(login: str) -> Any:
        url = f"wss://localhost:{edge.ports.https}/ws/chat/{login}/"
        async with connect(url, ssl=trusting(edge)) as opened:
            return await opened.recv()

    async def enter_all() -> list[list[Any]]:
        return [[await enter(login), await enter(login.upper())] for login in map("login{}".format, range(20))]

    rooms = asyncio.run(enter_all())
    assert all(first == second for first, second in rooms)
    assert {first for first, _ in rooms} == {"one", "two"}


def test_nobody_claims_another_address_and_origins_learn_of_tls(viewer: httpx.Client) -> None:
    claimed = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http", "Forwarded": "for=192.0.2.1"}
    for path in ("/accounts/login/", f"{BROADCAST}/status"):
        seen = viewer.get(path, headers=claimed).json()["headers"]
        assert "192.0.2.1" not in json.dumps(seen)
        assert seen["x-forwarded-for"].startswith("127.0.0.1")
        assert seen["x-forwarded-proto"] == "https"


def test_a_slash_in_disguise_leads_nowhere(viewer: httpx.Client, origins: tuple[Origin, Origin]) -> None:
    disguised = f"{BROADCAST}/source%2F1.m4s"
    assert viewer.get(disguised).status_code == 400
    assert asked(origins, disguised.replace("%2F", "/")) == 0


def test_a_page_is_asked_for_once_what_is_sent_is_there(edge: Edge, origins: tuple[Origin, Origin]) -> None:
    """Daphne would hold whoever sends a byte now and then."""
    with (
        socket.create_connection(("localhost", edge.ports.https)) as plain,
        trusting(edge).wrap_socket(plain, server_hostname="localhost") as slow,
        httpx.Client(base_url=edge.url, verify=trusting(edge)) as quick,
    ):
        slow.sendall(b"POST /slowly HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
        assert quick.post("/quickly", content=b"abcd").status_code == 200
        assert (asked(origins, "/slowly"), asked(origins, "/quickly")) == (0, 1)
        slow.sendall(b"cd")
        assert slow.recv(12) == b"HTTP/1.1 200"
        assert quick.post("/large", content=bytes(MEGABYTE)).status_code == 200  # which fits into no buffer


def test_an_address_has_so_many_connections(edge: Edge) -> None:
    """A proxy of its own, which allows few: the third is hung up on, until the others have gone."""
    few = Edge(edge.folder / "few", Ports(*free_ports(5)), live=["127.0.0.1:1"], pages=["127.0.0.1:1"], per_address=2)
    few.prepare()

    @contextlib.contextmanager
    def asking() -> Iterator[bytes]:
        """The beginning of the answer to somebody who then stays; nothing where they are hung up on."""
        with socket.create_connection(("127.0.0.1", few.ports.http)) as connection:
            answer = b""
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = connection.recv(12)
            yield answer

    _, proxy = few.programs()
    with engines.running(proxy):
        # Whoever has just gone, as they who asked whether it listens, may be counted for a moment still.
        found, deadline = [b""], time.monotonic() + 10
        while not all(found[:2]):
            assert time.monotonic() < deadline
            with asking() as first, asking() as second, asking() as third:
                found = [first, second, third]
        assert found == [b"HTTP/1.1 301", b"HTTP/1.1 301", b""]


def test_webrtc_encoders_go_to_ingest_and_channels_that_are_called_alike_do_not(viewer: httpx.Client) -> None:
    asked = {
        path: [viewer.get(path).json()["origin"] for _ in range(2)] for path in ("/whip", "/whipped", "/whipped/a")
    }
    assert {path: set(names) for path, names in asked.items()} == {
        "/whip": {"one", "two"},
        "/whipped": {"one"},
        "/whipped/a": {"one"},
    }


def test_an_address_that_begins_sessions_without_end_is_told_to_wait(viewer: httpx.Client) -> None:
    answers = [viewer.post("/whip") for _ in range(70)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 0 < len(refused) < 40  # this file's other requests count, too
    assert (refused[0].headers["Retry-After"], refused[0].json()["code"]) == ("10", "too_many")
    assert viewer.get("/accounts/login/").status_code == 200


def test_what_is_written_passes_the_cache(viewer: httpx.Client, origins: tuple[Origin, Origin]) -> None:
    for _ in range(2):
        assert viewer.post(f"{BROADCAST}/heartbeat", json={}).status_code == 200
    assert asked(origins, f"{BROADCAST}/heartbeat") == 2


def test_operators_count_on_a_port_of_their_own(edge: Edge, viewer: httpx.Client) -> None:
    told = httpx.get(f"http://127.0.0.1:{edge.ports.metrics}/metrics").text
    assert "haproxy_frontend_http_requests_total" in told
    # What an alert looks at.
    assert 'haproxy_backend_active_servers{proxy="origins"} 2' in told
    assert viewer.get("/metrics").json()["path"] == "/metrics", "it is a page like any other, which the site lacks"


def test_viewers_outlive_an_origin_and_the_cache(edge: Edge, viewer: httpx.Client) -> None:
    """An edge of its own: an origin dies with a request in its hands, then the cache does."""
    with origin.serving("mortal", threading.Event()) as mortal, origin.serving("heir", threading.Event()) as heir:
        folder = edge.folder / "second"
        second = Edge(folder, Ports(*free_ports(5)), live=[mortal.address, heir.address], pages=[heir.address])
        second.prepare()
        with contextlib.ExitStack() as stack:
            cache, _ = [stack.enter_context(engines.running(program)) for program in second.programs()]
            client = stack.enter_context(httpx.Client(base_url=second.url, verify=trusting(second), timeout=15))
            number = next(
                number
                for number in range(100)
                if client.get(f"/streams/{UUID(int=number)}/status").json()["origin"] == "mortal"
            )
            pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor())
            waiting = pool.submit(client.get, f"/streams/{UUID(int=number)}/source/wait.m3u8?_HLS_msn=1")
            assert mortal.arrived.wait(10)
            heir.released.set()
            assert mortal.server is not None
            mortal.server.force_exit = mortal.server.should_exit = True
            for connection in list(mortal.server.server_state.connections):
                connection.transport.abort()
            assert waiting.result(10).json()["origin"] == "heir"
            cache.kill()
            path, deadline = fresh(".m4s"), time.monotonic() + 10
            # Who asked at that moment is hung up on, as players know it, and asks again.
            while (answer := tried(client, path)) is None or answer.status_code != 200:
                assert time.monotonic() < deadline
            assert "X-Cache" not in answer.headers
