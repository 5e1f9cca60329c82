"""How a Lambda dies: at one of its calls to AWS, at which a test wants it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock, RLock
from typing import TYPE_CHECKING, Protocol

from botocore.handlers import BUILTIN_HANDLERS

from tarry._engine.interruption import Death

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Call", "Crash", "Invocation", "Surroundings", "caller", "unwatched", "watch"]


class Crash(Death):
    """The Lambda is dead: nothing after this is carried out, and its messages stay in their queue.

    Raised inside a call to AWS, by ``Cloud.dies`` or by a botocore event hook of your own: on ``before-call`` or
    ``after-call``, which come with each call. Most are not sent (see ``door``), so ``before-send`` may not come.
    """


@dataclass(frozen=True, slots=True)
class Call:
    """One side of one AWS call that a Lambda makes.

    ``number`` counts the invocation's calls from 1. ``answered`` is False before the call is sent, and True
    when it has been carried out but the Lambda has not seen the answer. ``service`` is ``dynamodb``, ``sqs``,
    ``eventbridge`` or ``s3``; ``operation`` is AWS's name, such as ``UpdateItem``.
    """

    function: str
    number: int
    service: str
    operation: str
    answered: bool


class Surroundings(Protocol):
    """What surrounds an invocation of a Lambda."""

    @property
    def is_timed_out(self) -> bool:
        """Whether the invocation's time is over."""

    @property
    def takes_turns(self) -> bool:
        """Whether others are under way at the same time, and this thread is the one that waits for its turn."""

    def enter(self) -> None:
        """Note that this Lambda moves from now on."""

    def leave(self) -> None:
        """Note that it stops."""

    def let_others_move(self) -> None:
        """Return once it is this Lambda's turn again."""

    def check(self, operation: str) -> None:
        """Raise what AWS refuses the call with, if it does."""


class Invocation:
    """One invocation of a Lambda, while it lasts. It watches the AWS calls of the whole process."""

    def __init__(self, function: str, dies: Callable[[Call], bool] | None, around: Surroundings) -> None:
        self.dead = False
        self.calls = 0
        self.function = function
        self._dies = dies
        self._around = around
        self._lock = RLock()  # a function may call from several threads, and ``dies`` may call too

    def __enter__(self) -> Invocation:
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    @property
    def is_lost(self) -> bool:
        """Whether nobody gets its answer any more."""
        return self.dead or self._around.is_timed_out

    def watch(self, service: str, operation: str, answered: bool) -> None:
        """Raises ``Crash`` if the Lambda dies at this call, or is dead and calls all the same."""
        if not answered and self._around.takes_turns:
            self._let_others_move()
        with self._lock:
            self.calls += not answered
            call = Call(self.function, self.calls, service, operation, answered)
            self.dead = self.is_lost or (self._dies is not None and self._dies(call))
        if self.dead:
            when = "after" if answered else "before"
            raise Crash(f"{self.function} died {when} its call {call.number}, {service} {operation}")
        if not answered:
            self._around.check(operation)

    def _let_others_move(self) -> None:
        self._leave()
        try:
            self._around.let_others_move()
        finally:
            self._enter()

    def _enter(self) -> None:
        with _lock:
            _under_way.append(self)
        self._around.enter()

    def _leave(self) -> None:
        self._around.leave()
        with _lock:
            _under_way.remove(self)


_under_way: list[Invocation] = []
"""The invocations that last, the newest last. A served cloud has several; in one that a test moves, the newest is the
one that calls."""

_lock = Lock()

_is_unwatched = ContextVar("tarry_unwatched", default=False)


@contextmanager
def unwatched() -> Iterator[None]:
    """Within it, the AWS calls of this thread are no Lambda's, also while one is under way.

    A step that moves its host has the cloud deliver messages, and delete them, within the executor's time:

        executor    step ── moves the host ┐                       ┌ goes on
        mapping                            └ receives ── deletes ──┘
    """
    token = _is_unwatched.set(True)
    try:
        yield
    finally:
        _is_unwatched.reset(token)


def caller() -> Invocation | None:
    """Return the invocation that makes this thread's AWS calls now; ``None`` if they are no Lambda's.

    sender   looks whether a Lambda is under way ── yes ─────────── takes the newest
    Lambda                                           ends, the last one
    So both are one look: in a served cloud they are two threads.
    """
    newest = [] if _is_unwatched.get() else _under_way[-1:]
    return newest[0] if newest else None


def watch(service: str, operation: str, *, answered: bool) -> None:
    """Note one side of a call; raise ``Crash`` if the Lambda that makes it dies there."""
    if (invocation := caller()) is not None:
        invocation.watch(service, operation, answered=answered)


def _watch(event_name: str, **_: object) -> None:
    when, service, operation = event_name.split(".")
    watch(service, operation, answered=when == "after-call")


# The same way by which moto reaches every client of every session made from here on.
BUILTIN_HANDLERS += [("before-call", _watch), ("after-call", _watch)]
