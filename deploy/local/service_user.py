"""Who runs PostgreSQL: the caller, or, because PostgreSQL refuses root, a service user in its place."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import ServiceUserMissing

ACCOUNTS = ("postgres", "nobody")
"""Accounts tried in this order: the first is there where Debian's PostgreSQL is, the second everywhere."""
SEARCH = ("dac_read_search", "dac_override")
"""Capabilities that let a user search folders closed to it, the narrower first; containers often lack it."""


@dataclass(frozen=True, slots=True)
class ServiceUser:
    uid: int
    gid: int

    @classmethod
    def find(cls, data: Path) -> ServiceUser | None:
        """The account for `data`: its owner if it exists; None when the caller is not root and runs all itself."""
        if os.geteuid() != 0:
            return None
        if data.exists() and (owner := data.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        for name in ACCOUNTS:
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(account.pw_uid, account.pw_gid)
        raise ServiceUserMissing(f"PostgreSQL can't run as root, and there is no user {' or '.join(ACCOUNTS)} here.")

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)

    def credentials(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """setpriv(1) options to become this user and reach `paths`.

        A checkout in /root is closed to every other user. Widening folder modes would open it to all of them; one
        ambient capability (capabilities(7)) to search folders opens it to PostgreSQL alone.
        """
        options = (f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups")
        if all(self.reaches(path) for path in paths):
            return options
        bounding = bounding_set()
        for name in SEARCH:
            if name in bounding:
                # access(2) ignores capabilities without that secure bit, and PostgreSQL asks it about its own binaries.
                securebits = "--securebits=+no_setuid_fixup"
                return (*options, securebits, f"--inh-caps=+{name}", f"--ambient-caps=+{name}")
        raise ServiceUserMissing(
            "PostgreSQL can't run as root, and this folder is closed to other users. "
            "Run Headrace as a plain user, or from a folder that others may enter."
        )

    def reaches(self, path: Path) -> bool:
        """Whether every folder above `path` may be searched by this user."""
        for folder in path.resolve().parents:
            mode = folder.stat()
            needed = (
                stat.S_IXUSR if mode.st_uid == self.uid else stat.S_IXGRP if mode.st_gid == self.gid else stat.S_IXOTH
            )
            if not mode.st_mode & needed:
                return False
        return True


def bounding_set() -> set[str]:
    """The capabilities of SEARCH that setpriv can pass on here."""
    numbers = {"dac_override": 1, "dac_read_search": 2}  # linux/capability.h
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            mask = int(line.split()[1], 16)
            return {name for name, number in numbers.items() if mask >> number & 1}
    return set()
