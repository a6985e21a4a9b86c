"""The settings of a test session: those of `config`, on engines of its own that start when a test first needs them.

Several sessions may run at once, so each has its own folder; `tests.engines` starts the engines there and removes it.
Subprocesses find them too, through the environment.
"""

import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import quote

SESSION_DIR = Path(tempfile.gettempdir()) / f"headrace-test-{secrets.token_hex(6)}"

# A subprocess of a test inherits these and must not make others.
if "HEADRACE_TEST_SESSION" in os.environ:
    SESSION_DIR = Path(os.environ["HEADRACE_TEST_SESSION"])
else:
    for name in ("DEBUG", "PUBLIC_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "DEVICES", "EMAIL_URL", "MEDIA_ROOT"):
        os.environ.pop(name, None)
    os.environ |= {
        "HEADRACE_TEST_SESSION": str(SESSION_DIR),
        "DATA_DIR": str(SESSION_DIR),
        "SECRET_KEY": secrets.token_hex(32),
        # Measuring takes seconds of all cores, for every worker that a test starts.
        "DEVICE_CAPACITY": "200000000",
        "METRICS_PORT": "0",
        "DATABASE_URL": f"postgresql://headrace@/headrace?host={quote(str(SESSION_DIR / 'run/postgres'))}",
        "BUS_URL": f"unix://{quote(str(SESSION_DIR / 'run/bus/valkey.sock'))}",
        "STATE_URL": f"unix://{quote(str(SESSION_DIR / 'run/state/valkey.sock'))}",
    }

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES  # noqa: E402

# The test database has the name that DATABASE_URL says, so that subprocesses meet the tests in it.
DATABASES["default"]["TEST"] = {"NAME": "headrace"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
