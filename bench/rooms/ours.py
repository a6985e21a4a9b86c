"""Our application with rooms that need no database: `bench`, and `room<number>`, of which BENCH_ROOMS says how many."""

from __future__ import annotations

import os

from config.asgi import application  # sets Django up, so it comes first

from bench.rooms import numbered  # isort: skip
from chat import people, process  # isort: skip
from chat.facts import Facts  # isort: skip

for number in range(int(os.environ.get("BENCH_ROOMS", "1"))):
    process.remember_room(numbered.login(number), numbered.room(number))
process.remember_room("bench", numbered.room(0))
people.load_facts = lambda room_id: Facts(room=room_id, login="bench", emotes={})

__all__ = ["application"]
