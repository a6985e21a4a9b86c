"""`celery -A config …` in a bare environment, as a container gives it."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

ASK = "import config; print(config.celery_app.conf.beat_schedule['day']['task'])"


def test_it_finds_its_settings_by_itself() -> None:
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "SECRET_KEY", "DATA_DIR"}}
    argv = [sys.executable, "-c", ASK]
    done = subprocess.run(argv, env=bare, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.stdout == "workers.begin_day\n", done.stderr
