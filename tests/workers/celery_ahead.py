"""Celery in a process whose clock is ahead: `python -m tests.workers.celery_ahead SECONDS <celery's arguments>`."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Self

_OFF = float(sys.argv.pop(1))
_time = time.time


class _Ahead(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return super().now(tz) + dt.timedelta(seconds=_OFF)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(dt.UTC).replace(tzinfo=None)


# Before anybody else has imported it by name.
dt.datetime = _Ahead  # type: ignore[misc]
time.time = lambda: _time() + _OFF

from celery.__main__ import main  # noqa: E402

if __name__ == "__main__":
    main()
