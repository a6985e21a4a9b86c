"""What durable work consists of, declared: who runs it, and when again, is the ledger's in `workers`. Pure.

A piece of work is a function `(Job) -> Outcome`. It may be begun any number of times, by several workers at once, and
be killed at any point, so it changes nothing but storage, under names made from what it puts there. What it has to say
to the database is its outcome's `write`: that is carried out once, in the transaction that marks the step done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Lane(StrEnum):
    """Which queue a step waits in."""

    PROMPT = "prompt"
    """Seconds at most: somebody waits for it."""
    SLOW = "durable"


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step to be: `name` is unique in its workflow, `work` names the function, `needs` the steps before it.

    `arguments` are JSON. It is not begun before `delay` seconds after nothing keeps it any more.
    """

    name: str
    work: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    lane: Lane = Lane.SLOW
    delay: float = 0.0


class Abandoned(Exception):
    """The step is no longer this worker's: it was cancelled, or another took it over. Nothing it says counts."""


class Hopeless(Exception):
    """Trying again is of no use; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a step. `check` raises Abandoned; long work calls it every few seconds."""

    subject: UUID
    arguments: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[], None] = lambda: None


def nothing() -> None:
    """There is nothing to write."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`write` runs in the transaction that ends the step, `then` are steps that this one has shown to be needed."""

    write: Callable[[], None] = nothing
    then: tuple[StepSpec, ...] = ()


Died = Callable[[UUID, Mapping[str, Any], str], None]
"""Told `(subject, arguments, error)` in the transaction that gives a step up."""


def nobody(_subject: UUID, _arguments: Mapping[str, Any], _error: str) -> None:
    """Nobody needs to be told that the step has died."""


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of step: what it does, and who is told when it was given up."""

    do: Callable[[Job], Outcome]
    died: Died = nobody
