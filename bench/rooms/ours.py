"""Our application, with one room that needs no database: its id is known from the start."""

from __future__ import annotations

import os

from config.asgi import application  # sets Django up, so it comes first

from chat import process  # isort: skip

process.remember_room("bench", os.environ["BENCH_ROOM"])

__all__ = ["application"]
