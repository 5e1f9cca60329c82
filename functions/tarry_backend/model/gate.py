"""A gate: it admits at most so many runs at a time. What the table has about it, as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["Gate", "GateName", "GateState", "Hold", "Waiter"]

Kind = Literal["work", "run", "granted"]


@dataclass(frozen=True, slots=True)
class GateName:
    """What a gate counts: the runs of a function (or of the app) under one limit, with one value of its key.

    ``key`` is a hash of the limit's expression, ``value`` one of its value. ``function_id`` is empty for the app's.
    """

    scope: str
    key: str
    value: str
    function_id: str = ""

    def text(self) -> str:
        """Return the name as a text. The function's id is last: it may have any characters."""
        return f"{self.scope}#{self.key}#{self.value}#{self.function_id}"

    @classmethod
    def parse(cls, text: str) -> GateName:
        """Return the name that ``text`` wrote."""
        return cls(*text.split("#", 3))


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that a run has to pass. ``keeps`` says whether a run holds its place until its end (``hold="run"``).

    ``lacks_value``: the limit's key has no value for the run's event, so the run shares a gate with all such runs.
    """

    name: str
    limit: int
    keeps: bool = False
    lacks_value: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """One run's place in a gate.

    ``work`` and ``granted`` end at ``until`` (Unix milliseconds): then no executor can be at work with it any more. A
    ``run`` lasts until its run has ended. ``token`` is new each time the place is taken or granted.
    """

    kind: Kind
    until: int
    token: str

    def text(self) -> str:
        """Return the hold as it is stored."""
        return f"{self.kind} {self.until} {self.token}"

    @classmethod
    def parse(cls, text: str) -> Hold:
        """Return the hold that ``text`` wrote."""
        kind, until, token = text.split(" ")
        return cls(kind, int(until), token)  # type: ignore[arg-type]

    def is_over(self, moment: int) -> bool:
        """Return whether its time is over. That of a run has none."""
        return self.kind != "run" and self.until < moment


@dataclass(frozen=True, slots=True)
class GateState:
    """A gate as one request found or left it.

    ``waiting`` is since when runs wait, ``None`` if none does. ``mark`` is new each time a run has begun to wait.
    ``granted`` are the runs that were granted a place and have not begun.
    """

    holds: Mapping[str, Hold] = field(default_factory=lambda: MappingProxyType({}))
    waiting: int | None = None
    mark: str = ""
    granted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiter:
    """A run in a gate's line. ``stamp`` is new each time it has begun to wait, ``since`` is when it first did so.

    ``woken`` is when a timer woke it, or 0.
    """

    run_id: str
    place: str
    stamp: str
    since: int
    woken: int = 0
