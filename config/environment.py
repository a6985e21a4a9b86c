"""Environment variables as values: text, numbers, lists, addresses. What makes no sense is refused in a sentence.

An unset or empty variable gives the default. All raise ImproperlyConfigured.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    given = text(name, str(default))
    if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
        raise ImproperlyConfigured(f"{name}={given!r} must be a whole number from {least} to {most}.")
    return int(given)


def numbers(name: str, default: Iterable[int]) -> list[int]:
    """A comma-separated list of whole numbers."""
    given = words(name, map(str, default))
    if not all(one.isascii() and one.isdigit() and int(one) < 2**31 for one in given):
        raise ImproperlyConfigured(f"{name}={','.join(given)!r} must be whole numbers, with commas between.")
    return [int(one) for one in given]


def flag(name: str, *, default: bool = False) -> bool:
    given = text(name, str(default)).lower()
    if given not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ImproperlyConfigured(f"{name}={given!r} must be true or false.")
    return given in {"1", "true", "yes", "on"}


def words(name: str, default: Iterable[str] = ()) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def addresses(name: str) -> list[str]:
    """A comma-separated list of IP addresses."""
    given = words(name)
    try:
        return [str(ip_address(address)) for address in given]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def port(name: str, default: int) -> int:
    return number(name, default, least=1, most=65_535)


def port_range(name: str) -> tuple[int, int]:
    """The first and the last of a range of ports, as `49152-49407`; 0 and 0 where none is named."""
    given = text(name)
    first, _, last = given.partition("-")
    if not given:
        return 0, 0
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise ImproperlyConfigured(f"{name}={given!r} must be a range of ports, such as 49152-49407.")
    if not 1024 <= int(first) <= int(last) <= 65_535:
        raise ImproperlyConfigured(f"{name}={given!r} must lie between 1024 and 65535, the lower port first.")
    return int(first), int(last)


def url(name: str, default: str, *, schemes: set[str]) -> str:
    given = text(name, default)
    if urlsplit(given).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(f'{s}://' for s in sorted(schemes))}.")
    return given


def readable_file(name: str) -> Path | None:
    given = text(name)
    if given and not os.access(given, os.R_OK):
        raise ImproperlyConfigured(f"{name}={given!r} is not a file this process can read.")
    return Path(given) if given else None
