"""Code that runs until it is about to call AWS, and stays there until it is its turn.

What a player does next is a function of what it has been given: its jobs, and the answers to its calls. It sees nothing
else of the world. So its code runs once for each such history, in whatever plays that comes up; else its next call is
known. This is checked: wherever the code has to run, it makes all the calls again that led there.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient

from tarry_backend import clock
from tarry_backend.model import token
from tarry_dev.cloud import Crash
from tests.functional.contract.handshake.cases import BEGAN
from tests.functional.contract.handshake.exploration import Action
from tests.functional.contract.handshake.request import Answer, Request

if TYPE_CHECKING:
    from tarry_backend.runtime import Runtime

__all__ = ["HAS_DIED", "Job", "Lambda", "Note", "Parts", "PlayOverError", "Player", "here", "on_stage"]

Note = tuple[str, str]
"""Something that a player does, and that others see without a call to AWS: its kind, and what it is about."""

HAS_DIED = "HasDied"
"""What a player asks the stage, as it asks AWS: whether somebody has died. This takes no turn."""


class PlayOverError(Crash):
    """Nobody goes on: what is raised where a player stands then."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a player does: at which time of day (Unix milliseconds) it thinks it is, and caused by which turns.

    ``act`` knows nothing of the play, only where it runs; and all of it is said by the other fields. ``what`` is the
    message; ``again``: it comes again.
    """

    what: str
    act: Callable[["Lambda"], None]
    moment: int
    after: frozenset[int]
    again: bool = False

    @property
    def text(self) -> str:
        """What tells it from other jobs of the player."""
        return f"{'again ' if self.again else ''}{self.moment} {self.what}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a player does with what it is given: it makes a call, or is done with its job. ``error`` ended the job."""

    request: Request | None
    notes: tuple[Note, ...]
    error: BaseException | None

    @property
    def text(self) -> str:
        return f"{self.request and self.request.text} {self.notes} {self.error!r}"


@dataclass(eq=False)
class _Point:
    """Where a player stands, after all that it has been given; and where it goes from there, by what it is given."""

    outcome: _Outcome = _Outcome(None, (), None)
    given: Job | Answer | None = None
    before: "_Point | None" = None
    following: dict[str, "_Point"] = field(default_factory=dict)

    def way(self) -> "Iterator[_Point]":
        """The points that lead here, from the first job on."""
        if self.before is not None:
            yield from self.before.way()
            yield self


class Parts:
    """All that players have been seen to do, by their names: for the plays of one case."""

    def __init__(self) -> None:
        self._first: dict[str, _Point] = {}

    def first(self, name: str) -> _Point:
        """Where a player stands when it comes on stage."""
        return self._first.setdefault(name, _Point())


class _Here(threading.local):
    at_work: "Lambda | None" = None


_here = _Here()


def here() -> "Lambda":
    """Where the code runs that asks."""
    assert _here.at_work is not None
    return _here.at_work


@contextmanager
def on_stage(carry_out: Callable[[Request], Answer]) -> Iterator[None]:
    """Meanwhile players' calls wait for their turns, and players live by their own time; the calls of others go to
    ``carry_out`` at once."""

    def call(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        if _here.at_work:
            return _here.at_work.ask(operation, asked)
        return carry_out(Request(operation, asked)).give()

    def time_ns() -> int:
        return (_here.at_work.moment if _here.at_work else BEGAN) * 1_000_000

    real = BaseClient._make_api_call, clock.time, token.secrets  # type: ignore[attr-defined]
    BaseClient._make_api_call = call  # type: ignore[attr-defined]
    clock.time = SimpleNamespace(time_ns=time_ns)  # type: ignore[assignment,attr-defined]
    token.secrets = SimpleNamespace(token_hex=lambda size: here().token(size))  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        BaseClient._make_api_call, clock.time, token.secrets = real  # type: ignore[attr-defined]


class Lambda:
    """The thread in which a player's code runs. It runs only while ``give`` waits for it.

    ``keeps`` is what its code has at hand from one job to the next: before somebody has died, and after.
    """

    def __init__(self, name: str, at: _Point) -> None:
        self.at = at
        self.moment = BEGAN
        self.keeps: dict[bool, Runtime] = {}
        self._name = name
        self._tokens = 0
        self._given: Job | Answer | None = None
        self._request: Request | None = None
        self._notes: list[Note] = []
        self._error: BaseException | None = None
        self._is_over = False
        self._turn, self._rest = threading.Lock(), threading.Lock()
        for each in (self._turn, self._rest):
            each.acquire()  # whoever acquires it next waits until somebody releases it
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def give(self, given: Job | Answer) -> _Outcome:
        """It goes on with this, to where it stops next."""
        self._given, self._request, self._notes, self._error = given, None, [], None
        self._turn.release()
        self._rest.acquire()
        return _Outcome(self._request, tuple(self._notes), self._error)

    def close(self) -> None:
        """It dies where it stands."""
        self._is_over = True
        self._turn.release()
        self._rest.acquire()

    # In its thread.

    def ask(self, operation: str, asked: dict[str, Any]) -> Any:
        """A call to AWS, or to the stage."""
        if not self._is_over:
            self._request = Request(operation, deepcopy(asked))
            self._rest.release()
            self._turn.acquire()
        if self._is_over:
            raise PlayOverError(f"the play is over for {self._name}")
        assert isinstance(self._given, Answer)
        return self._given.give()

    def note(self, kind: str, what: str) -> None:
        """Tells the stage of it."""
        self._notes.append((kind, what))

    def token(self, size: int) -> str:
        """What looks like chance, and is the same when the code runs again."""
        self._tokens += 1
        return sha256(f"{self._name} {self._tokens}".encode()).hexdigest()[: 2 * size]

    def _run(self) -> None:
        _here.at_work = self
        self._turn.acquire()
        while not self._is_over:
            assert isinstance(self._given, Job)
            self.moment = self._given.moment
            try:
                self._given.act(self)
            except BaseException as error:  # a thread has nobody to raise it to
                self._error = error
            if not self._is_over:
                self._request = None
                self._rest.release()
                self._turn.acquire()
        self._rest.release()


class Player:
    """Does its jobs one after the other.

    ``asks`` is called for each call that it makes: it offers the turn that the call takes, or answers at once.
    ``noted`` takes its notes, ``errors`` what its jobs raise. Without the turns ``after``, its next would not come.
    """

    def __init__(
        self,
        name: str,
        parts: Parts,
        asks: Callable[["Player", Request], None],
        noted: Callable[[Note], None],
        errors: list[BaseException],
    ) -> None:
        self.name = name
        self.action: Action | None = None
        self.after: frozenset[int] = frozenset()
        self._asks = asks
        self._noted = noted
        self._errors = errors
        self._jobs: deque[Job] = deque()
        self._at = parts.first(name)
        self._carry_out: Callable[[], Answer] | None = None
        self._lambda: Lambda | None = None

    @property
    def job(self) -> Job:
        """What it does at present."""
        return self._jobs[0]

    def begin(self, job: Job) -> None:
        """Gives it a job, which begins at once if it has no other."""
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._begin_next()

    def offer(self, action: Action, carry_out: Callable[[], Answer]) -> None:
        """Has it wait for its turn to do this."""
        self.action = Action(action.actor, action.what, action.touches, self.after | action.after)
        self.after = frozenset()
        self._carry_out = carry_out

    def go(self) -> None:
        """It takes its turn, and goes on to where it stops next."""
        assert self._carry_out is not None
        self.action = None
        self.answer(self._carry_out())

    def answer(self, answer: Answer) -> None:
        """It goes on with what its call gives."""
        self._go_on(answer)

    def die(self, where: str) -> None:
        """Its call is not carried out, and its Lambda dies."""
        self._go_on(Answer("dies", error=lambda: Crash(where)))

    def close(self) -> None:
        """It dies where it stands."""
        if self._lambda is not None:
            self._lambda.close()

    def _begin_next(self) -> None:
        self.after |= self.job.after
        self._go_on(self.job)

    def _go_on(self, given: Job | Answer) -> None:
        self._at = self._at.following.get(given.text) or self._learn(given)
        outcome = self._at.outcome
        for note in outcome.notes:
            self._noted(note)
        if outcome.error is not None:
            self._errors.append(outcome.error)
        if outcome.request is not None:
            self._asks(self, outcome.request)
            return
        self._jobs.popleft()
        if self._jobs:
            self._begin_next()

    def _learn(self, given: Job | Answer) -> _Point:
        """What it does with this, which it was never given here: so its code has to run."""
        at_work = self._lambda
        if at_work is None or at_work.at is not self._at:
            at_work = self._led_here()
        point = _Point(at_work.give(given), given, self._at)
        self._at.following[given.text] = at_work.at = point
        return point

    def _led_here(self) -> Lambda:
        self.close()
        self._lambda = Lambda(self.name, self._at)
        for point in self._at.way():
            assert point.given is not None
            outcome = self._lambda.give(point.given)
            assert outcome.text == point.outcome.text, f"{self.name} does not do the same again: {outcome.text}"
        return self._lambda
