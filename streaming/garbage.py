"""Garbage collection in the processes that must answer within milliseconds."""

from __future__ import annotations

import gc


def keep_what_is_loaded() -> None:
    """Takes all that a process has loaded by now out of later collections: it stays until the end anyway.

    A full collection would look through it, 145,000 objects with Django and Celery, and hold up every thread and every
    socket for 0.1 s and more. To be called once, when a process is ready to serve.
    """
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """For a process with thousands of sockets: looks for garbage after 10,000 new objects in place of 700.

    With 5,000 sockets a full collection looks through 290,000 objects and takes 180 ms, in which all stand still. While
    they connected there were four of them, now there is none.
    """
    gc.set_threshold(10_000, 10, 10)
