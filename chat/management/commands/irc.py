"""`manage.py irc`: the IRC port, a process of its own."""

from __future__ import annotations

import asyncio
from socket import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from chat.irc.app import IrcApplication
from chat.websocket import FanOutProtocol
from streaming import metrics
from streaming.garbage import collect_seldom, keep_what_is_loaded
from streaming.guarded_http import GuardedHttp


class Server(uvicorn.Server):
    """uvicorn that tells clients before it closes them."""

    def __init__(self, config: uvicorn.Config, application: IrcApplication) -> None:
        super().__init__(config)
        self.application = application

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await self.application.drain()
        await super().shutdown(sockets)


class Command(BaseCommand):
    help = "Serves chat over IRC, through WebSockets, as Twitch's bots and clients speak it."

    def handle(self, *_args: Any, **_options: Any) -> None:
        metrics.serve("irc")
        application = IrcApplication()
        config = uvicorn.Config(
            application,
            host=settings.IRC_HOST,
            port=settings.IRC_PORT,
            http=GuardedHttp,
            ws=FanOutProtocol,
            ws_max_size=65_536,
            ws_per_message_deflate=False,
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=2,
            forwarded_allow_ips=settings.TRUSTED_PROXIES or None,
            proxy_headers=bool(settings.TRUSTED_PROXIES),
        )
        keep_what_is_loaded()
        collect_seldom()
        asyncio.run(Server(config, application).serve())
