"""Requests that wait for what is to come."""

from __future__ import annotations

import asyncio

import httpx


async def soon(request: asyncio.Task[httpx.Response]) -> httpx.Response:
    return await asyncio.wait_for(request, 5)


async def waiting(player: httpx.AsyncClient, url: str) -> asyncio.Task[httpx.Response]:
    """A request that has reached its wait: it outlasts two round trips of another."""
    request = asyncio.create_task(player.get(url))
    for _ in range(2):
        await player.get("source/index.m3u8")
    assert not request.done()
    return request
