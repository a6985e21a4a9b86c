"""A session's way to its encoder (RFC 8445), by aioice: another one takes its place after an ICE restart."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import aioice
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol

RECEIVE_BUFFER = 1024 * 1024
"""Bytes that the system may keep of a socket while ingest is busy: 0.2 s of 40 Mbit/s."""
LAST_OF_STUN = 3
"""The highest first byte of a STUN message."""
MAX_HANDSHAKE = 64
"""DTLS packets that wait to be read; more are dropped, and sent again by their sender."""
MAX_CANDIDATES = 32
"""Addresses of one encoder that are tried."""
GONE_SECONDS = 30.0
"""An encoder of which nothing came for so long has gone: as long as consent lasts (RFC 7675 5.1)."""


class NoWay(ConnectionError):
    """No way to the encoder was found, or the one there was is lost."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The UDP ports that media comes to, first and last; the system's choice where both are 0."""

    first: int = 0
    last: int = 0

    def shuffled(self) -> Sequence[int]:
        """All of them, from anywhere on: sessions that begin and end rarely meet."""
        count = self.last - self.first + 1
        start = secrets.randbelow(count)
        return [self.first + (start + step) % count for step in range(count)]


ANY_PORT = Ports()


class _Socket(StunProtocol):
    """aioice's own; media is told from STUN by its first byte (RFC 7983 7), not by an attempt to read it as such."""

    receiver: _Connection

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        if isinstance(data, bytes) and data and data[0] > LAST_OF_STUN:
            self.receiver.data_received(data, 1)
        else:
            super().datagram_received(data, addr)


class _Connection(aioice.Connection):
    """aioice's own, on ports of ours. What comes is handed on at once: aioice's queue has no bound."""

    def __init__(self, ports: Ports, take: Callable[[bytes], None], lost: Callable[[_Connection], None]) -> None:
        super().__init__(ice_controlling=False)
        self.candidates = 0
        self._ports = ports
        self._take = take
        self._lost = lost
        self._heard = True
        """Something came since this was last looked at."""

    def data_received(self, data: bytes, component: int) -> None:  # noqa: ARG002
        self._heard = True
        self._take(data)

    async def query_consent(self) -> None:
        """Close when the encoder has gone. Who sends is there: it isn't asked, since FFmpeg 9 never answers.

        Consent (RFC 7675) is for those who send media; what is sent here is about media that comes.
        """
        while self._heard:
            self._heard = False
            await asyncio.sleep(GONE_SECONDS)
        self._query_consent_task = None  # which is this one, and `close` would cancel it
        await self.close()

    def protocol_lost(self, protocol: StunProtocol) -> None:
        if any(pair.protocol is protocol for pair in self._nominated.values()):
            self._lost(self)

    async def close(self) -> None:
        """Called by `query_consent` too."""
        await super().close()
        self._lost(self)

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ARG002, ASYNC109
    ) -> list[aioice.Candidate]:
        """A socket on each of this machine's addresses."""
        for address in addresses:
            if (protocol := await self._bound(address)) is None:
                continue
            host, port = protocol.transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = aioice.Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            self._protocols.append(protocol)
        return [protocol.local_candidate for protocol in self._protocols]

    async def _bound(self, address: str) -> StunProtocol | None:
        """On the first of the ports that is free, None where none is, or the address can't be used."""
        loop = asyncio.get_running_loop()
        for port in self._ports.shuffled():
            with suppress(OSError):
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: _Socket(self), local_addr=(address, port)
                )
                sock = cast("socket.socket", transport.get_extra_info("socket"))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                return protocol
        return None


class IcePath:
    """`gather` opens sockets, `connect` finds a way from them to the encoder; both once more for an ICE restart.

    The way that there is stays until another is found (RFC 8445 9). `media` takes SRTP and SRTCP as they come. DTLS is
    aiortc's: to it this is an `RTCIceTransport`, of which it knows no more than `role`, `_recv` and `_send`.
    """

    role = "controlled"

    def __init__(self, ports: Ports, media: Callable[[bytes], None]) -> None:
        self._ports = ports
        self._media = media
        self._way: _Connection | None = None
        self._next: _Connection | None = None
        self._handshake: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_HANDSHAKE)
        """DTLS packets; None wakes who waits for one in vain."""
        self._over = False

    @property
    def _newest(self) -> _Connection:
        newest = self._next or self._way
        assert newest is not None, "gather comes first"
        return newest

    @property
    def ufrag(self) -> str:
        """Our credentials for what was gathered last."""
        return self._newest.local_username

    @property
    def password(self) -> str:
        return self._newest.local_password

    async def gather(self) -> list[aioice.Candidate]:
        """Our addresses, each with a socket that was opened for this."""
        await self._drop_next()
        self._next = _Connection(self._ports, self._datagram, self._is_lost)
        await self._next.gather_candidates()
        return self._next.local_candidates

    async def connect(self, *, ufrag: str, password: str) -> None:
        """Find a way from what was gathered last, with the encoder's credentials. Raises NoWay."""
        found = self._newest
        found.remote_username, found.remote_password = ufrag, password
        try:
            await found.connect()
        except ConnectionError as error:
            raise NoWay(str(error)) from error
        if found is not self._next:
            raise NoWay("another ICE restart came before this one was done")
        former, self._way, self._next = self._way, found, None
        if former is not None:
            await former.close()

    async def add_candidate(self, candidate: aioice.Candidate) -> None:
        """Take one of the encoder's addresses, for what was gathered last."""
        newest = self._newest
        if newest.candidates < MAX_CANDIDATES:
            newest.candidates += 1
            with suppress(ValueError):  # after the last, which the encoder has said itself
                await newest.add_remote_candidate(candidate)

    async def end_candidates(self) -> None:
        """The encoder has no further addresses."""
        with suppress(ValueError):
            await self._newest.add_remote_candidate(None)

    async def give_up(self) -> None:
        """An ICE restart found no way in time: what there is stays, and ends with its encoder."""
        await self._drop_next()
        if self._way is None:
            self._end()

    async def close(self) -> None:
        """Give the sockets back."""
        self._end()
        await self._drop_next()
        if self._way is not None:
            await self._way.close()

    async def _drop_next(self) -> None:
        dropped, self._next = self._next, None
        if dropped is not None:
            await dropped.close()

    def _is_lost(self, connection: _Connection) -> None:
        if connection is self._way:
            self._way = None
            if self._next is None:
                self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            if self._handshake.full():
                self._handshake.get_nowait()
            self._handshake.put_nowait(None)

    def _datagram(self, data: bytes) -> None:
        """What is not STUN (RFC 7983 7)."""
        kind = data[0] if data else 0
        if 127 < kind < 192:
            self._media(data)
        elif 19 < kind < 64 and not self._handshake.full():
            self._handshake.put_nowait(data)

    async def _recv(self) -> bytes:
        """The next DTLS packet. Raises NoWay when none is left."""
        data = None if self._over else await self._handshake.get()
        if data is None:
            raise NoWay("the way to the encoder is lost")
        return data

    async def _send(self, data: bytes) -> None:
        """Raises NoWay."""
        if self._way is None:
            raise NoWay("there is no way to the encoder")
        await self._way.send(data)
