"""The programs of one machine: which engines are embedded, which processes make up Headrace, in which order."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence

from config import settings
from deploy.local.errors import LocalError
from deploy.local.network import Port
from deploy.local.postgres import Postgres
from deploy.local.program import Program
from deploy.local.seaweed import Seaweed
from deploy.local.secret import kept_secret
from deploy.local.valkey import Valkey

DATABASE = "headrace"
BROKER_MEMORY = "128mb"
"""Messages are small, and wait for seconds."""
FLOWER_USER = "headrace"
FLOWER_PASSWORD_FILE = settings.DATA_DIR / "flower_password"
MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))

WEB = Port(settings.HTTP_HOST, settings.HTTP_PORT, "the web pages", "HTTP_PORT")
RTMP = Port(settings.RTMP_HOST, settings.RTMP_PORT, "RTMP, from encoders", "RTMP_PORT")
RTMPS = Port(settings.RTMP_HOST, settings.RTMPS_PORT, "RTMPS, from encoders", "RTMPS_PORT")
WHIP = Port(settings.WHIP_HOST, settings.WHIP_PORT, "WHIP, from encoders and browsers", "WHIP_PORT")
IRC = Port(settings.IRC_HOST, settings.IRC_PORT, "chat over IRC, for bots", "IRC_PORT")
S3 = Port("127.0.0.1", settings.S3_PORT, "the embedded S3 server", "S3_PORT")
FLOWER = Port("127.0.0.1", settings.FLOWER_PORT, "Flower, for operators", "FLOWER_PORT")

STEPS = (
    Program(name="migrate", argv=(*MANAGE, "migrate", "--noinput", "--verbosity=0")),
    Program(name="static", argv=(*MANAGE, "collectstatic", "--noinput", "--verbosity=0")),
)
"""What is done between the start of the databases and that of everything else."""


def ports() -> Sequence[Port]:
    optional = ((RTMPS, bool(settings.RTMPS_CERT)), (FLOWER, bool(FLOWER.number)), (S3, embeds_s3()))
    return (WEB, RTMP, WHIP, IRC, *(port for port, used in optional if used))


def addresses() -> Sequence[str]:
    """Where everything is, a line each, for the person who started it."""
    lan = f"http://{settings.LAN_ADDRESS}:{WEB.number}" if settings.LAN_ADDRESS and WEB.is_everywhere else ""
    return (
        f"watch     {settings.PUBLIC_URL}" + (f", {lan} in the local network" if lan else ""),
        f"stream    {settings.RTMP_URL} with a stream key of /dashboard; or, in another terminal: make demo",
        f"          or {settings.WHIP_URL} by WebRTC (WHIP); from a browser: {settings.PUBLIC_URL}/dashboard/go-live",
        *operators(),
        "stop      Ctrl-C",
    )


def operators() -> Sequence[str]:
    """Where Flower is, if it runs here."""
    if not FLOWER.number:
        return ()
    return (f"operate   http://{FLOWER.host}:{FLOWER.number} as {FLOWER_USER}, password in {FLOWER_PASSWORD_FILE}",)


def embeds_s3() -> bool:
    """Whether recorded media is to lie in an S3 server of our own."""
    return settings.STORAGE == "s3" and not os.environ.get("S3_ENDPOINT")


class Engines:
    """The embedded engines: one for each that the environment does not name. `broker` asks for a Valkey of its own
    for Celery, as many machines want it; else it is the state Valkey."""

    def __init__(self, *, broker: bool = False) -> None:
        data, run = settings.DATA_DIR, settings.RUN_DIR
        self.postgres: Postgres | None = None
        if not os.environ.get("DATABASE_URL"):
            self.postgres = Postgres(home=data / "postgres", sockets=run / "postgres")
        self.valkeys: list[Valkey] = []
        if not os.environ.get("BUS_URL"):
            self.valkeys.append(
                Valkey(name="bus", home=data / "bus", sockets=run / "bus", memory=settings.BUS_MEMORY, durable=False)
            )
        if not os.environ.get("STATE_URL"):
            self.valkeys.append(
                Valkey(
                    name="state", home=data / "state", sockets=run / "state", memory=settings.STATE_MEMORY, durable=True
                )
            )
        self.broker: Valkey | None = None
        if broker and not os.environ.get("QUEUE_URL"):
            self.broker = Valkey(
                name="broker", home=data / "broker", sockets=run / "broker", memory=BROKER_MEMORY, durable=True
            )
            self.valkeys.append(self.broker)
        self.s3: Seaweed | None = None
        if embeds_s3():
            self.s3 = Seaweed(
                home=data / "s3",
                port=settings.S3_PORT,
                bucket=settings.S3_BUCKET,
                access_key=settings.S3_ACCESS_KEY,
                secret_key=settings.S3_SECRET_KEY,
            )

    def prepare(self) -> None:
        """Makes folders and, at the first start, the database cluster; raises LocalError."""
        folder = settings.RUN_DIR
        folder.mkdir(parents=True, exist_ok=True)
        found = folder.lstat()
        # Below /tmp anybody may have made it first.
        if found.st_uid != os.geteuid() or found.st_mode & 0o022 or not stat.S_ISDIR(found.st_mode):
            raise LocalError(
                f"{folder} must be a folder that only its owner, the user who starts Headrace, may change."
            )
        if self.postgres:
            self.postgres.prepare()
        for valkey in self.valkeys:
            valkey.prepare()
        if self.s3:
            self.s3.prepare()

    @property
    def queue_url(self) -> str:
        """Where Celery's broker is."""
        return self.broker.url if self.broker else settings.QUEUE_URL

    @property
    def s3_url(self) -> str:
        return self.s3.url if self.s3 else settings.S3_ENDPOINT

    def create_database(self) -> None:
        if self.postgres:
            self.postgres.create_database(DATABASE)

    def programs(self) -> list[Program]:
        embedded = [self.postgres.program()] if self.postgres else []
        embedded += [valkey.program() for valkey in self.valkeys]
        return embedded + ([self.s3.program()] if self.s3 else [])


def stages(engines: Engines) -> list[list[Program]]:
    """Databases, workers, dispatcher, doors: each stands on those before it. Together they stop within 35 s."""
    doors = [ingest(), web(), irc(), *([flower()] if FLOWER.number else [])]
    return [engines.programs(), [workers()], [dispatcher(), beat()], doors]


def workers() -> Program:
    return Program(name="workers", argv=(*MANAGE, "workers"), stop_seconds=15.0)


def dispatcher() -> Program:
    return Program(name="dispatcher", argv=(*MANAGE, "dispatcher"), stop_seconds=5.0)


def beat() -> Program:
    return Program(
        name="beat",
        argv=(sys.executable, "-m", "celery", "-q", "-A", "config", "beat", "--loglevel=WARNING"),
        stop_seconds=3.0,
    )


def takes_encoders() -> bool:
    return RTMP.serves() and WHIP.serves()


def ingest() -> Program:
    return Program(name="ingest", argv=(*MANAGE, "ingest"), ready=takes_encoders, stop_seconds=5.0)


def web() -> Program:
    trusted = settings.TRUSTED_PROXIES
    return Program(
        name="web",
        argv=(
            *(sys.executable, "-m", "uvicorn", "config.asgi:application"),
            *("--host", WEB.host, "--port", str(WEB.number)),
            *("--http", "streaming.guarded_http:GuardedHttp"),
            *("--ws", "chat.websocket:FanOutProtocol", "--ws-max-size", "65536", "--ws-per-message-deflate", "false"),
            *("--no-access-log", "--no-server-header"),
            *("--timeout-graceful-shutdown", "3"),
            *(("--proxy-headers", "--forwarded-allow-ips", ",".join(trusted)) if trusted else ("--no-proxy-headers",)),
        ),
        ready=WEB.serves,
        stop_seconds=5.0,
    )


def irc() -> Program:
    return Program(name="irc", argv=(*MANAGE, "irc"), ready=IRC.serves, stop_seconds=5.0)


def flower() -> Program:
    password = kept_secret(FLOWER_PASSWORD_FILE)
    return Program(
        name="flower",
        argv=(
            *(sys.executable, "-m", "celery", "-A", "config", "flower"),
            f"--address={FLOWER.host}",
            f"--port={FLOWER.number}",
        ),
        # Not an argument: every user of the machine may read those.
        env={"FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{password}"},
        ready=FLOWER.serves,
        stop_seconds=3.0,
    )
