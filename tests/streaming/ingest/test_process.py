"""`manage.py ingest` as a process: what it tells operators, and what it never tells anybody."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.secrets import new_secret
from streaming.bus import reading
from streaming.bus.redis import AsyncValkey
from streaming.media import SOURCE
from streaming.metrics import PROCESSES
from streaming.models import Broadcast, Channel
from tests.deploy.installation import free_ports

from .clips import tags
from .encoder import Encoder

pytestmark = pytest.mark.django_db(transaction=True)


def scraped(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


async def connected(port: int) -> Encoder:
    """An encoder, as soon as the process listens; pytest's limit ends a wait in vain."""
    while True:
        try:
            return await Encoder.connect(port)
        except OSError:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(rtmp: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ingest, killed at the end."""
    (whip,) = free_ports(1)
    ports = {"RTMP_HOST": "127.0.0.1", "RTMP_PORT": str(rtmp), "WHIP_PORT": str(whip), "METRICS_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "ingest"), cwd=settings.BASE_DIR, env={**os.environ, **ports}
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_an_encoder_goes_on_elsewhere_when_its_ingest_died(
    valkey: AsyncValkey, bus_url: str, channel: Channel, key: str
) -> None:
    here, there = free_ports(2)
    async with serving(here) as dying, serving(there), asyncio.timeout(60):
        encoder = await connected(here)
        assert await encoder.publish(key) == "NetStream.Publish.Start"
        await encoder.tags(tags())
        broadcast = str((await database_sync_to_async(Broadcast.objects.get)()).pk)
        while SOURCE not in (before := await valkey.run(reading.progress(broadcast))):
            pass
        await (await connected(there)).close()
        dying.kill()
        await encoder.close()
        while await (again := await connected(there)).publish(key) != "NetStream.Publish.Start":
            await again.close()
        await again.tags(tags())
        while (now := await valkey.run(reading.progress(broadcast)))[SOURCE].msn == before[SOURCE].msn:
            pass
        assert now[SOURCE].msn > before[SOURCE].msn
        await again.close()


async def test_metrics_and_logs_name_the_broadcast_but_never_a_key(bus_url: str, channel: Channel, key: str) -> None:
    rtmp, metrics = free_ports(2)
    environment = {
        **os.environ,
        "RTMP_HOST": "127.0.0.1",
        "RTMP_PORT": str(rtmp),
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
        "METRICS_PORT": str(metrics - PROCESSES.index("ingest")),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "ingest"),
        cwd=settings.BASE_DIR,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        wrong = new_secret("live").text
        refused = await connected(rtmp)
        assert await refused.publish(wrong) == "NetStream.Publish.BadName"
        await refused.close()
        encoder = await connected(rtmp)
        assert await encoder.publish(key) == "NetStream.Publish.Start"
        await encoder.tags(tags())
        broadcast = await database_sync_to_async(Broadcast.objects.get)()
        found = await asyncio.to_thread(scraped, metrics)
        while not found["headrace_ingest_bytes_total"]:
            found = await asyncio.to_thread(scraped, metrics)
        assert found["headrace_ingest_publishers"] == found['headrace_ingest_refusals_total{why="key"}'] == 1
        await encoder.close()
    finally:
        process.terminate()
        _, said = await process.communicate()
    lines = [json.loads(line) for line in said.decode().splitlines()]
    assert any((line.get("broadcast"), line.get("channel")) == (str(broadcast.pk), str(channel.pk)) for line in lines)
    assert key.encode() not in said
    assert wrong.encode() not in said
