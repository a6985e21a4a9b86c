"""The WebSocket of a signed-in person's pages, `/ws/notices/`: says when a channel they follow goes live."""

from __future__ import annotations

from typing import Any

from chat import process, visitors
from chat.errors import ChatError
from chat.hub.outbox import Outbox
from chat.websocket import write_of

BAD_FRAME, SIGN_IN, NOBODY, TRY_LATER = 4000, 4401, 4404, 1013


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serves one socket. It takes nothing: whatever a client sends closes it. Who has nobody to hear of is let go."""
    await receive()
    if not visitors.from_our_pages(scope["headers"]):
        await send({"type": "websocket.close", "code": 4003})
        return
    await process.start()
    outbox = Outbox(send, write_of(scope))
    proof = visitors.proof("", scope["headers"])
    try:
        followed = await process.followed().ask(proof) if proof else None
    except ChatError as error:
        await _refuse(send, TRY_LATER, error.code)
        return
    if not followed:
        code, reason = (SIGN_IN, "sign_in") if followed is None else (NOBODY, "nobody")
        await _refuse(send, code, reason)
        return
    await send({"type": "websocket.accept"})
    scope.clear()  # as in `consumers`
    streams = process.streams()
    streams.follow(outbox, followed)
    try:
        if (await receive())["type"] == "websocket.receive":
            outbox.close(BAD_FRAME, "bad_frame")
            await receive()
    finally:
        streams.leave(outbox, followed)
        outbox.abandon()


async def _refuse(send: Any, code: int, reason: str) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})
