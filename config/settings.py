"""Every setting, all from the environment: what is missing or malformed stops the process with a sentence.

The defaults are those of one machine run by `make run`, whose engines listen on Unix sockets under `DATA_DIR`, so that
`manage.py` in a second terminal finds them without being told. README.md lists the variables.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import imageio_ffmpeg
from botocore.config import Config as BotoConfig
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from config import logs
from config.environment import addresses, flag, number, numbers, port, port_range, readable_file, text, url, words

BASE_DIR = Path(__file__).resolve().parent.parent

# Files -------------------------------------------------------------------------------------------------------------

DATA_DIR = Path(text("DATA_DIR", str(BASE_DIR / "var"))).absolute()
MEDIA_ROOT = Path(text("MEDIA_ROOT", str(DATA_DIR / "media"))).absolute()
MEDIA_URL = "/media/"
WORK_DIR = Path(text("WORK_DIR", str(DATA_DIR / "work"))).absolute()
"""Where files grow before they are put into storage; best on the same file system as MEDIA_ROOT."""


def socket_folder(data: Path) -> Path:
    """Where the embedded engines put their sockets: below `data`, unless that makes a name too long to connect to.

    A Unix socket's name has at most 107 bytes (sun_path of unix(7)); a deep checkout gets a folder in /tmp instead.
    """
    folder = data / "run"
    if len(os.fsencode(folder / "postgres" / ".s.PGSQL.5432.lock")) <= 107:
        return folder
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"headrace-{os.getuid()}-{digest}"


RUN_DIR = socket_folder(DATA_DIR)

# Site --------------------------------------------------------------------------------------------------------------

DEBUG = flag("DEBUG")


def secret_key() -> str:
    """`SECRET_KEY`, else the one that `make run` made in `DATA_DIR`."""
    kept = DATA_DIR / "secret_key"
    key = text("SECRET_KEY") or (kept.read_text().strip() if kept.exists() else "")
    if len(key) < 32:
        raise ImproperlyConfigured(
            f"SECRET_KEY must have at least 32 characters: set it, or start `make run` once, which makes {kept}."
        )
    return key


SECRET_KEY = secret_key()

HTTP_PORT = port("HTTP_PORT", 8000)
PUBLIC_URL = url("PUBLIC_URL", f"http://localhost:{HTTP_PORT}", schemes={"http", "https"}).rstrip("/")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
if not PUBLIC_HOST:
    raise ImproperlyConfigured(f"PUBLIC_URL={PUBLIC_URL!r} names no host.")

HTTP_HOST = text("HTTP_HOST", "0.0.0.0")  # noqa: S104 - a phone in the same network must reach it


def lan_address() -> str:
    """The address other machines of the local network reach this one at, empty if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: UDP only picks the interface (RFC 5737 address)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


LAN_ADDRESS = lan_address()
HOST_NAME = text("HOST_NAME", socket.gethostname())
"""Under which this host offers its devices: no two may have the same."""
ALLOWED_HOSTS = words(
    "ALLOWED_HOSTS",
    {PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]", HOST_NAME, f"{HOST_NAME}.local", LAN_ADDRESS} - {""},
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
HTTPS = PUBLIC_URL.startswith("https://")
TRUSTED_PROXIES = words("TRUSTED_PROXIES", ["127.0.0.1", "::1"] if HTTPS else [])
"""Addresses or networks whose X-Forwarded-For and -Proto are believed; the servers apply it, not Django. No server here
ends TLS, so `https` means that something in front does."""

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    # RFC 6265bis 4.1.3: no page of a sibling host, nor one without TLS, can set a cookie of these names.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
# Load balancers ask a process itself, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", 31_536_000 if HTTPS else 0)
# HSTS says nothing of subdomains and asks for no place in browsers' lists: other hosts of the domain are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "accounts",
    "streaming",
    "chat",
    "vods",
    "workers",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "channels",
    "ninja",
]
if DEBUG:
    # Its runserver takes the place of Django's, so it comes first. Elsewhere it would cost every process a second.
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.security.ContentSecurityPolicy",
    "config.security.NoNul",
    "config.probes.Probes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STORAGE = text("STORAGE", "files")
"""Where recorded media lies: below MEDIA_ROOT, or in an S3 bucket."""
if STORAGE not in {"files", "s3"}:
    raise ImproperlyConfigured(f"STORAGE={STORAGE!r} must be files or s3.")
S3_PORT = port("S3_PORT", 8333)
S3_ENDPOINT = url("S3_ENDPOINT", f"http://127.0.0.1:{S3_PORT}", schemes={"http", "https"})
S3_BUCKET = text("S3_BUCKET", "headrace")
S3_REGION = text("S3_REGION", "us-east-1")
S3_ACCESS_KEY = text("S3_ACCESS_KEY", "headrace")
S3_SECRET_KEY = text("S3_SECRET_KEY") or hashlib.sha256(f"s3:{SECRET_KEY}".encode()).hexdigest()
"""The defaults are those of the embedded server."""

# A storage that hangs must not hold a worker or a viewer: what fails is tried again, by the ledger or by the player.
_S3 = {
    "bucket_name": S3_BUCKET,
    "endpoint_url": S3_ENDPOINT,
    "region_name": S3_REGION,
    "access_key": S3_ACCESS_KEY,
    "secret_key": S3_SECRET_KEY,
    "addressing_style": "path",
    "client_config": BotoConfig(
        connect_timeout=2,
        read_timeout=10,
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
    ),
}
TIERS = flag("TIERS", default=True)
"""Whether VODs that nobody watches move to cheaper storage: `vods/tiers.py`."""
TIER_DAYS = numbers("TIER_DAYS", [30, 90, 365])
"""Days after which a VOD that nobody has watched is warm, cold, and at its end: archived or deleted."""
if len(TIER_DAYS) != 3 or sorted(TIER_DAYS) != TIER_DAYS or TIER_DAYS[0] < 1:
    raise ImproperlyConfigured(f"TIER_DAYS={TIER_DAYS} must be three whole numbers that do not fall.")
TIER_HOT_VIEWS = number("TIER_HOT_VIEWS", 10, least=1)
"""As many viewers of late bring a VOD back to hot storage; each counts half after a week."""
TIER_NAMES = ("hot", "warm", "cold", "archive")
_CLASSES = words("S3_CLASSES", ["STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"])
if len(_CLASSES) != 3:
    raise ImproperlyConfigured("S3_CLASSES must name three storage classes: of warm, cold and archived VODs.")
S3_CLASSES = dict(zip(TIER_NAMES, ["STANDARD", *_CLASSES], strict=True))
"""The storage class of each tier."""
S3_RESTORE_DAYS = number("S3_RESTORE_DAYS", 7, least=1, most=365)
S3_RESTORE_TIER = text("S3_RESTORE_TIER", "Standard")
"""How S3 restores what is cold, and for how long: within that time it is moved to warm storage."""
if S3_RESTORE_TIER not in {"Expedited", "Standard", "Bulk"}:
    raise ImproperlyConfigured(f"S3_RESTORE_TIER={S3_RESTORE_TIER!r} must be Expedited, Standard or Bulk.")
_AT_AWS = STORAGE == "s3" and (urlsplit(S3_ENDPOINT).hostname or "").endswith(".amazonaws.com")
RESTORE_HOURS = numbers("RESTORE_HOURS", [5, 12] if _AT_AWS else [0, 0])
"""What viewers are told that a cold and an archived VOD take to come back; 0: minutes."""
if len(RESTORE_HOURS) != 2:
    raise ImproperlyConfigured(f"RESTORE_HOURS={RESTORE_HOURS} must be two whole numbers.")
_PRICES = words("TIER_PRICES", ["0.023", "0.0125", "0.0036", "0.00099"] if _AT_AWS else ["0"] * 4)
try:
    TIER_PRICES = dict(zip(TIER_NAMES, map(Decimal, _PRICES), strict=True))
except (InvalidOperation, ValueError) as error:
    raise ImproperlyConfigured(f"TIER_PRICES={','.join(_PRICES)!r} must be four numbers.") from error
"""What a GB costs a month in each tier; by default as AWS has it (us-east-1, 2025), and nothing elsewhere."""
TIER_CURRENCY = text("TIER_CURRENCY", "USD")

VODS_STORAGE: dict[str, Any] = {"BACKEND": "vods.storage.FileMedia"}
if STORAGE == "s3":
    VODS_STORAGE = {"BACKEND": "vods.storage.S3Media", "OPTIONS": _S3}

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "vods": VODS_STORAGE,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_ROOT: Path | None = DATA_DIR / "static"
# Until `collectstatic` has compressed them, files are served from where they lie.
WHITENOISE_USE_FINDERS = DEBUG or not (DATA_DIR / "static").is_dir()
WHITENOISE_AUTOREFRESH = DEBUG

# Accounts ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = text("EMAIL_VERIFICATION", "optional")
if ACCOUNT_EMAIL_VERIFICATION not in {"mandatory", "optional", "none"}:
    raise ImproperlyConfigured("EMAIL_VERIFICATION must be mandatory, optional or none.")
ACCOUNT_SIGNUP_FIELDS = [
    "username*",
    "email*" if ACCOUNT_EMAIL_VERIFICATION == "mandatory" else "email",
    "password1*",
    "password2*",
]
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm", "login": "accounts.forms.LoginForm"}
ACCOUNT_ADAPTER = "streaming.signup.SignupAdapter"
# The rest are allauth's own: 30 sign-ins a minute and address, 10 of them wrong, 5 wrong ones in 5 minutes and login.
ACCOUNT_RATE_LIMITS = {"signup": "60/h/ip"}
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_SIGNUP_REDIRECT_URL = "/dashboard"

# console://, or smtp[s]://user:password@host:port
MAIL = urlsplit(url("EMAIL_URL", "console://", schemes={"console", "smtp", "smtps"}))
EMAIL_BACKEND = f"django.core.mail.backends.{'console' if MAIL.scheme == 'console' else 'smtp'}.EmailBackend"
EMAIL_HOST = MAIL.hostname or "localhost"
EMAIL_PORT = MAIL.port or (465 if MAIL.scheme == "smtps" else 587)
EMAIL_HOST_USER = unquote(MAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(MAIL.password or "")
EMAIL_USE_SSL = MAIL.scheme == "smtps"
EMAIL_USE_TLS = MAIL.scheme == "smtp"
# In seconds: a mail server that hangs must hold neither a page nor a worker's thread.
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", f"Headrace <noreply@{PUBLIC_HOST}>")

# Engines -----------------------------------------------------------------------------------------------------------


def database(address: str) -> dict[str, Any]:
    """Django's settings for a libpq URI; its `host` parameter may be the folder of a Unix socket."""
    given = urlsplit(address)
    options = dict(parse_qsl(given.query))
    name = unquote(given.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(given.username or ""),
        "PASSWORD": unquote(given.password or ""),
        "HOST": options.pop("host", given.hostname or ""),
        "PORT": str(given.port or ""),
        # Under ASGI a persistent connection outlives its request's thread; PgBouncer is the way to keep them.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"connect_timeout": 5, **options},
    }


DATABASE_URL = url(
    "DATABASE_URL",
    f"postgresql://headrace@/headrace?host={quote(str(RUN_DIR / 'postgres'))}",
    schemes={"postgresql", "postgres"},
)
DATABASES = {"default": database(DATABASE_URL)}

VALKEY_SCHEMES = {"unix", "redis", "rediss"}
BUS_URL = url("BUS_URL", f"unix://{quote(str(RUN_DIR / 'bus' / 'valkey.sock'))}", schemes=VALKEY_SCHEMES)
"""The media bus: chunks and events of the last minutes, no persistence."""
STATE_URL = url("STATE_URL", f"unix://{quote(str(RUN_DIR / 'state' / 'valkey.sock'))}", schemes=VALKEY_SCHEMES)
"""The cache, chat and the channel layer."""
QUEUE_URL = url("QUEUE_URL", STATE_URL, schemes=VALKEY_SCHEMES)
"""Celery's broker: the state Valkey, where it has no server of its own."""

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": STATE_URL,
        "KEY_PREFIX": "cache",
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [STATE_URL], "prefix": "channels"},
    },
}

FFMPEG = text("FFMPEG") or imageio_ffmpeg.get_ffmpeg_exe()

# Live --------------------------------------------------------------------------------------------------------------

RTMP_HOST = text("RTMP_HOST", "0.0.0.0")  # noqa: S104 - encoders reach a streaming server from elsewhere
RTMP_PORT = port("RTMP_PORT", 1935)
RTMPS_PORT = port("RTMPS_PORT", 1936)
RTMPS_CERT = readable_file("RTMPS_CERT")
RTMPS_KEY = readable_file("RTMPS_KEY")
if (RTMPS_CERT is None) != (RTMPS_KEY is None):
    raise ImproperlyConfigured("RTMPS_CERT and RTMPS_KEY go together: set both or neither.")
RTMP_URL = url("RTMP_URL", f"rtmp://{PUBLIC_HOST}:{RTMP_PORT}/live", schemes={"rtmp", "rtmps"})
"""What streamers are told to put into their encoder."""

WHIP_HOST = text("WHIP_HOST", "0.0.0.0")  # noqa: S104 - encoders and browsers reach it from elsewhere
WHIP_PORT = port("WHIP_PORT", 8889)
WHIP_URL = url("WHIP_URL", f"http://{PUBLIC_HOST}:{WHIP_PORT}/whip", schemes={"http", "https"})
"""Where encoders and the site's own page send WebRTC; behind TLS it is the address at the proxy."""
WHIP_ADDRESSES = addresses("WHIP_ADDRESSES")
"""IP addresses at which this machine is reached from elsewhere, though it doesn't have them itself (NAT)."""
WHIP_UDP_PORTS = port_range("WHIP_UDP_PORTS")
"""Where media comes to: each encoder takes one of these on every address. The system chooses where none are named."""
WHIP_ICE_SERVERS = words("WHIP_ICE_SERVERS")
"""STUN and TURN servers that encoders are told to use."""

IRC_HOST = text("IRC_HOST", "0.0.0.0")  # noqa: S104 - bots and chat clients come from elsewhere
IRC_PORT = port("IRC_PORT", 6680)

DAY_BEGINS = number("DAY_BEGINS", 4, most=22)
"""The hour, in UTC, in which the day's work on VODs begins: retention, tiers, costs."""
RECONNECT_GRACE = number("RECONNECT_GRACE", 60, least=1, most=3600)
"""Seconds a broadcast waits for its encoder to return before it ends."""
VOD_LADDER = words("VOD_LADDER", ["all"])
"""Which renditions a VOD is given that did not run while it was live: `all`, `none`, or lines as `720,480`."""
DEVICES = words("DEVICES", ["auto"])
"""What this host transcodes on, one worker process each: `auto`, `gpu:0`, `gpu:GPU-<uuid>`, `cpu` (all cores),
`cpu:0`, `cpu:2-3`."""
DEVICE_CAPACITY = number("DEVICE_CAPACITY", 0, most=10**12) or None
"""Pixels a second that each device here encodes, in place of what is measured when its worker starts."""

LADDER_POLICY = text("LADDER_POLICY", "demand")
"""Who gets which renditions: `demand` (what is watched) or `tiered` (by the number of viewers)."""
if LADDER_POLICY not in {"demand", "tiered"}:
    raise ImproperlyConfigured(f"LADDER_POLICY={LADDER_POLICY!r} must be demand or tiered.")
STANDBY_VIEWERS = number("STANDBY_VIEWERS", 500, least=0, most=10_000_000)
"""From so many viewers on a second device stands by for a broadcast, as for a partner's; 0: for partners only."""

# Celery ------------------------------------------------------------------------------------------------------------


def broker(address: str) -> str:
    """Kombu's spelling of a Valkey URL: it has a scheme of its own for Unix sockets."""
    given = urlsplit(address)
    if given.scheme != "unix":
        return address
    number_of = dict(parse_qsl(given.query)).get("db", "0")
    return f"redis+socket://{given.path}?virtual_host={number_of}"


CELERY_BROKER_URL = broker(QUEUE_URL)
# Without socket timeouts a broker that hangs would hold the dispatcher's sender for ever; workers wait in calls of 1 s.
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:", "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "durable"
# Beat says when; what is done that day, and that it is done once, is the ledger's. So any number of beats may run, or
# none: the dispatcher begins an hour later what none has begun, and beat needs no memory.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "day": {
        "task": "workers.begin_day",
        "schedule": crontab(hour=DAY_BEGINS, minute=0),
        "options": {"queue": "prompt", "expires": 3_600},
    },
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Live tasks are many and short: workers that run them send no events, the durable worker asks for them with -E.
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_ENABLE_UTC = True

FLOWER_PORT = number("FLOWER_PORT", 5555, most=65_535)
"""0: no Flower here."""

METRICS_HOST = text("METRICS_HOST", "127.0.0.1")
METRICS_PORT = number("METRICS_PORT", 9400, most=65_500)
"""Where `streaming.metrics` puts the first process's metrics; the others follow. 0: nowhere."""

# Embedded engines --------------------------------------------------------------------------------------------------

MACHINE_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
BUS_MEMORY = text("BUS_MEMORY", f"{MACHINE_MEMORY // 4 >> 20}mb")
"""The bound of the embedded bus: 90 s of a 6 Mbit/s source and its ladder are some 250 MB, the 45 s it keeps at the
bound half of that."""
STATE_MEMORY = text("STATE_MEMORY", "256mb")

# Logs --------------------------------------------------------------------------------------------------------------

LOG_LEVEL = text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in logs.LEVELS:
    raise ImproperlyConfigured(f"LOG_LEVEL={LOG_LEVEL!r} must be one of {', '.join(logs.LEVELS)}.")
LOG_FORMAT = text("LOG_FORMAT", "console")
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT={LOG_FORMAT!r} must be console or json.")
LOGGING = logs.configure(level=LOG_LEVEL, form=LOG_FORMAT, colour=flag("FORCE_COLOR"))
