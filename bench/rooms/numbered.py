"""Rooms of a measurement, by number."""

from __future__ import annotations


def login(number: int) -> str:
    return f"room{number}"


def room(number: int) -> str:
    return f"0190aaaa-0000-7000-8000-{number:012x}"
