"""`manage.py ingest`: take broadcasts from encoders until told to stop."""

from __future__ import annotations

import asyncio
import signal
import ssl
from contextlib import AsyncExitStack
from typing import Any

import structlog
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from streaming import metrics
from streaming.bus.redis import AsyncValkey
from streaming.garbage import keep_what_is_loaded
from streaming.ingest.clock import Clock
from streaming.ingest.door import Door
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.reconnections import Reconnections
from streaming.ingest.server import IngestServer, tls_context
from streaming.ingest.strain import Strain
from streaming.ingest.whip import server as whip
from streaming.ingest.whip.app import create_app
from streaming.ingest.whip.ice import Ports
from streaming.ingest.whip.session import Reach
from streaming.ingest.whip.sessions import Sessions

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Takes broadcasts from encoders by RTMP and WHIP, and by RTMPS where a certificate is configured."

    def handle(self, *_args: Any, **_options: Any) -> None:
        metrics.serve("ingest")
        keep_what_is_loaded()
        try:
            uvloop.run(serve())
        except OSError as error:
            raise CommandError(f"A port for encoders can't be opened: {error.strerror or error}.") from error


async def serve() -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when a port can't be opened."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    clock, limits = Clock(), Limits()
    addresses = AddressBook(limits, clock.monotonic)
    async with AsyncExitStack() as stack:
        valkey = AsyncValkey(settings.BUS_URL)
        stack.push_async_callback(valkey.aclose)
        reconnections = Reconnections(valkey=valkey, clock=clock, grace=settings.RECONNECT_GRACE)
        strain = Strain(clock.monotonic)
        door = Door(valkey=valkey, clock=clock, addresses=addresses, reconnections=reconnections, strain=strain)
        server = IngestServer(open_publisher=door.open, addresses=addresses, limits=limits)
        sessions = Sessions(
            open_publisher=door.open,
            addresses=addresses,
            limits=limits,
            clock=clock,
            reach=Reach(Ports(*settings.WHIP_UDP_PORTS), settings.WHIP_ADDRESSES),
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for work in (reconnections.run(), strain.run()):
            stack.callback(tasks.create_task(work).cancel)
        port = await stack.enter_async_context(server.listening(settings.RTMP_HOST, settings.RTMP_PORT))
        log.info("rtmp is open", host=settings.RTMP_HOST, port=port)
        tls = certificate()
        if tls is not None:
            port = await stack.enter_async_context(server.listening(settings.RTMP_HOST, settings.RTMPS_PORT, tls))
            log.info("rtmps is open", host=settings.RTMP_HOST, port=port)
        await stack.enter_async_context(sessions.running())
        app = create_app(sessions, ice_servers=settings.WHIP_ICE_SERVERS)
        port = await stack.enter_async_context(
            whip.listening(
                app,
                settings.WHIP_HOST,
                settings.WHIP_PORT,
                addresses=AddressBook(limits, clock.monotonic),
                trusted=settings.TRUSTED_PROXIES,
            )
        )
        log.info("whip is open", host=settings.WHIP_HOST, port=port)
        await stopped.wait()
        log.info("stopping")


def certificate() -> ssl.SSLContext | None:
    """TLS as the settings name it, None without. Raises CommandError for a certificate that can't be used."""
    if settings.RTMPS_CERT is None or settings.RTMPS_KEY is None:
        return None
    try:
        return tls_context(settings.RTMPS_CERT, settings.RTMPS_KEY)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"RTMPS_CERT and RTMPS_KEY can't be used: {error}.") from error
