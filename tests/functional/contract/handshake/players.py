"""Code that runs until it is about to call AWS, and stays there until it is its turn."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient

from tarry_backend import clock
from tarry_dev.cloud import Crash
from tests.functional.contract.handshake.cases import BEGAN
from tests.functional.contract.handshake.exploration import Action

__all__ = ["Job", "Player", "on_stage"]

Ask = Callable[[str, dict[str, Any]], Any]
"""Carries out a call to AWS: its operation, and what is asked."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a player does: at which time of day (Unix milliseconds) it thinks it is, and caused by which turns."""

    act: Callable[[], None]
    moment: int
    after: frozenset[int]


class _Here(threading.local):
    player: "Player | None" = None


_here = _Here()


@contextmanager
def on_stage(carry_out: Ask) -> Iterator[None]:
    """Meanwhile players' calls wait for their turns, and players live by their own time; the calls of others go to
    ``carry_out`` at once."""

    def call(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        return _here.player.ask(operation, asked) if _here.player else carry_out(operation, asked)

    def time_ns() -> int:
        return (_here.player.moment if _here.player else BEGAN) * 1_000_000

    real_call, real_time = BaseClient._make_api_call, clock.time  # type: ignore[attr-defined]
    BaseClient._make_api_call = call  # type: ignore[attr-defined]
    clock.time = SimpleNamespace(time_ns=time_ns)  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        BaseClient._make_api_call = real_call  # type: ignore[attr-defined]
        clock.time = real_time  # type: ignore[attr-defined]


class Player:
    """Does its jobs one after the other, in a thread that runs only while ``begin`` or ``go`` waits for it.

    ``ask`` is called in that thread for each call to AWS: it has the player ``stop`` for each turn that the call takes.
    ``after`` are turns without which its next would not come; ``errors`` takes what the jobs raise.
    """

    def __init__(
        self, name: str, ask: Callable[["Player", str, dict[str, Any]], Any], errors: list[BaseException]
    ) -> None:
        self.name = name
        self.action: Action | None = None
        self.after: frozenset[int] = frozenset()
        self._ask = ask
        self._errors = errors
        self._jobs: deque[Job] = deque()
        self._is_over = False
        self._turn, self._rest = threading.Lock(), threading.Lock()
        for each in (self._turn, self._rest):
            each.acquire()  # whoever acquires it next waits until somebody releases it

    @property
    def moment(self) -> int:
        """The time that it thinks it is."""
        return self._jobs[0].moment

    def begin(self, job: Job) -> None:
        """Gives it a job, which begins at once if it has no other."""
        self._jobs.append(job)
        if len(self._jobs) == 1:
            threading.Thread(target=self._run, name=self.name, daemon=True).start()
            self._rest.acquire()

    def go(self) -> None:
        """It goes on, to where it stops next."""
        self.action = None
        self._turn.release()
        self._rest.acquire()

    def close(self) -> None:
        """It dies where it stands."""
        self._is_over = True
        if self._jobs:
            self.go()

    def ask(self, operation: str, asked: dict[str, Any]) -> Any:
        """A call to AWS."""
        self._die_if_over()
        return self._ask(self, operation, asked)

    def stop(self, action: Action | None) -> None:
        """Waits for its turn to do this; without an action, until somebody has it go on."""
        if action is not None:
            self.action = Action(action.actor, action.what, action.touches, self.after)
            self.after = frozenset()
        self._rest.release()
        self._turn.acquire()
        self._die_if_over()

    def _run(self) -> None:
        _here.player = self
        while self._jobs and not self._is_over:
            self.after |= self._jobs[0].after
            self._do(self._jobs[0])
            self._jobs.popleft()
        self._rest.release()

    def _do(self, job: Job) -> None:
        try:
            job.act()
        except BaseException as error:  # a thread has nobody to raise it to
            if not self._is_over:
                self._errors.append(error)

    def _die_if_over(self) -> None:
        if self._is_over:
            raise Crash(f"the play is over for {self.name}")
