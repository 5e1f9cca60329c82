"""The performance of each kind of step, here and now."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tarry._engine.interruption import Presence
from tarry._engine.operations import InvokeFunction, RunStep, SendEvent, Sleep, WaitForEvent, WaitForSignal
from tarry._wire.jsonvalues import encode
from tarry.errors import LimitError, NonRetriableError, UsageError
from tarry.middleware import StepInfo
from tarry.steperrors import StepTimeoutError
from tarry_backend.model.own_code import own_place
from tarry_backend.model.step import Failure, Signal, Status, Step
from tarry_backend.replay.arguments import Large, arguments_of
from tarry_backend.replay.bodies import Bodies
from tarry_backend.replay.branch_past import PAST
from tarry_backend.replay.jitter import jitter
from tarry_backend.replay.outcome import OutputSize, interrupted, is_final, pause
from tarry_backend.replay.step_request import deadline_of, event_id_of, invoke_request, read_request, wait_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from tarry._engine.chain import Chain
    from tarry._engine.operations import Operation, Patch
    from tarry._engine.place import Place
    from tarry._engine.step_options import StepOptions
    from tarry.errors import StepCallError
    from tarry.event import Event
    from tarry.function import Function
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.step_writer import StepWriter

__all__ = ["BODY", "Body", "Performer"]


@dataclass(slots=True, eq=False)
class Body:
    """The step whose body runs. ``fault`` is a call in the body that no step may make."""

    run_id: str
    key: str
    attempt: int
    fault: StepCallError | None = None
    is_over: bool = False


BODY: ContextVar[Body | None] = ContextVar("tarry_body", default=None)


_ANSWERED = frozenset({"run", "send", "invoke"})
"""The kinds of steps whose beginning decides which events a wait after them sees."""


class Performer:
    """Performs the steps of one run. It continues the history's numbering of beginnings and ends.

    ``large`` holds the large arguments that this replay has written. ``place`` returns the line of user code that asks
    for the current step.
    """

    def __init__(
        self,
        run_id: str,
        function: Function,
        chain: Chain,
        journal: Journal,
        keeping: StepWriter,
        history: Iterable[Step],
        max_steps: int,
        place: Callable[[], Place],
        attempt_since: int | None = None,
    ) -> None:
        self.large: Large = {}
        self._place = place
        self._run_id = run_id
        self._retries = function.retries
        self._chain = chain
        self._journal = journal
        self._keeping = keeping
        self._max_steps = max_steps
        self._attempt_since = attempt_since
        self._first: dict[str, int] = {}
        self._begun = self._order = 0
        self._outputs = OutputSize()
        self.bodies = 0
        self._bodies = Bodies()
        for step in history:
            self._begun += 1
            self._order = max(self._order, step.begun_order, step.ended_order or 0)
            self._outputs.count(step)

    async def perform(self, operation: Operation, key: str, kept: Step | None) -> Step:
        """Begin the step, or continue the stored one; return it as stored, or as it will be: ended or open."""
        step = kept or self._begin(operation, key)
        match operation:
            case RunStep():
                return await self._attempt(step, partial(self._bodies.call, operation), operation)
            case SendEvent():
                return await self._attempt(step, partial(self._send, operation, key), operation)
            case Sleep():
                return self._sleep(step, operation)
            case WaitForEvent():
                return step if kept else self._keeping.kept(self._wait(step, operation))
            case InvokeFunction():
                # A retry goes on from an invocation that failed: it is open, and invokes anew.
                return step if step.invocation else self._keeping.kept(self._invoke(step, operation))
            case WaitForSignal():
                return step if kept else self._keeping.kept(self._wait_for_signal(step, operation))

    def mark(self, patch: Patch) -> Step:
        """Return a patch's mark, which is over as soon as it is stored."""
        self._count(patch.key)
        step = Step(
            key=patch.key, kind=patch.kind, status=Status.DONE, begun_order=self._order, began=self._journal.now()
        )
        return self._end(step, Status.DONE, output="true")

    def _count(self, key: str) -> None:
        if self._begun >= self._max_steps:
            raise LimitError(
                f"step {key!r} would be step {self._begun + 1} of the run; at most {self._max_steps} are allowed"
            )
        self._begun += 1
        self._order += 1

    def _begin(self, operation: Operation, key: str) -> Step:
        self._count(key)
        status = Status.RETRYING if operation.kind in ("run", "send") else Status.SLEEPING
        began = self._first[key] = PAST.get().began(self._time(operation.kind), self._attempt_since)
        asked = None if self._chain.hides_arguments else arguments_of(operation, self.large)
        return Step(key=key, kind=operation.kind, status=status, begun_order=self._order, began=began, asked=asked)

    def unkept_since(self) -> int | None:
        """Since when a step is under way that began in this invocation and is not kept; ``None`` if none is."""
        kept = self._keeping.steps
        return min((began for key, began in self._first.items() if key not in kept), default=None)

    def _time(self, kind: str) -> int:
        return self._journal.begins() if kind in _ANSWERED else self._journal.now()

    def withdraw(self, step: Step) -> None:
        """End an open step whose branch has lost a race."""
        step = self._end(step, Status.WITHDRAWN, error=step.error)
        self._journal.withdraw(step)
        self._keeping.kept(step)

    def leave(self) -> None:
        """Leaves behind the bodies that still run."""
        self._bodies.leave()

    def _end(self, step: Step, status: Status, output: str | None = None, error: Failure | None = None) -> Step:
        self._order += 1
        return replace(
            step,
            status=status,
            ended_order=self._order,
            ended=max(step.began, self._time(step.kind)),
            output=output,
            error=error,
        )

    async def _attempt(self, step: Step, call: Callable[[], Awaitable[Any]], operation: RunStep | SendEvent) -> Step:
        if step.status is Status.BEGUN:
            return self._keeping.keep(self._end(step, Status.FAILED, error=Failure.of(interrupted(step))))
        if step.due is not None and step.due > self._journal.now():
            return step
        if operation.options.at_most_once and not await self._note_beginning(step):
            return step  # the replay has ended meanwhile, or the journal has failed
        body, presence = Body(self._run_id, step.key, step.attempt), Presence()
        token = BODY.set(body)
        self.bodies += 1
        try:
            if self._chain:
                call = partial(self._chain.attempt, _info(step, operation), call)
            output = self._outputs.checked(
                step, encode(await call(), f"step {step.key!r}: its output", written=_written(operation))
            )
            if body.fault is not None:
                raise body.fault
            step = self._end(replace(step, due=None), Status.DONE, output=output)
        except BaseException as error:
            if presence.is_cut_off(error):
                raise
            step = self._failed(step, body.fault or error, operation.options)
        finally:
            body.is_over = True
            self.bodies -= 1
            BODY.reset(token)
        return self._keeping.keep(step)

    def _failed(self, step: Step, error: BaseException, options: StepOptions) -> Step:
        failure = Failure.of(error)
        if issubclass(type(error), UsageError) and not own_place(failure.stack):  # such as an output that is not JSON
            failure = replace(failure, message=f"{failure.message}{self._place()}")
        retries = options.retries_of(self._retries)
        is_unknown = bool(options.at_most_once) and issubclass(type(error), StepTimeoutError)
        if is_unknown or is_final(error, NonRetriableError) or step.attempt >= retries.limit:
            return self._end(replace(step, due=None, once=is_unknown), Status.FAILED, error=failure)
        now = self._journal.now()
        span = pause(error, now)
        if span is None:
            span = retries.pause(step.attempt, jitter(self._run_id, step.key, step.attempt))
        return replace(step, status=Status.RETRYING, attempt=step.attempt + 1, due=now + span, error=failure)

    async def _note_beginning(self, step: Step) -> bool:
        """Store that the body of a step begins that runs at most once; return whether that is durable.

        A later invocation that finds the note, and no end, fails the step:

            dies        ▼ runs anew                ▼ fails      ▼ fails   ▼ fails       ▼ goes on
            executor        note under way ── note ── body ──────── body ended ── kept
                                     ▼ fails if the note has arrived, else runs anew

            executor 1      note ── body ─────────────────── end: refused, as the step has ended
            executor 2                    fails the step                  (its message came again too early)
        """
        self._keeping.keep(replace(step, status=Status.BEGUN, due=None, error=None, once=True))
        return await self._keeping.is_kept(step.key, Status.BEGUN)

    async def _send(self, operation: SendEvent, key: str) -> list[str]:
        put = partial(self._put, key)
        return await self._chain.send(operation.events, put) if self._chain else put(operation.events)

    def _put(self, key: str, events: Sequence[Event]) -> list[str]:
        events = [
            event if event.id else replace(event, id=event_id_of(self._run_id, key, place))
            for place, event in enumerate(events)
        ]
        self._journal.send(events)
        return [event.id for event in events]

    def _sleep(self, step: Step, operation: Sleep) -> Step:
        """It lasts from its first call on: a redelivery neither makes it longer nor moves its end."""
        now = self._journal.now()
        with read_request():
            due = deadline_of(operation.until, step.began) if step.due is None else step.due
        if due > now and step.due is not None:
            return step
        step = replace(step, due=due)
        if due <= now:
            step = self._end(step, Status.DONE, output="null")
        return self._keeping.keep(step)

    def _wait(self, step: Step, operation: WaitForEvent) -> Step:
        request = wait_request(operation, step.began, self._journal.now())
        self._order += 1  # reserved for its end, if the log already holds its event
        return self._journal.open_wait(replace(step, status=Status.WAITING), request)

    def _invoke(self, step: Step, operation: InvokeFunction) -> Step:
        request, due = invoke_request(operation, self._run_id, step.key, self._journal.now())
        return self._journal.invoke(replace(step, status=Status.INVOKING, due=due), request)

    def _wait_for_signal(self, step: Step, operation: WaitForSignal) -> Step:
        with read_request():
            due = deadline_of(operation.timeout, self._journal.now())
        self._order += 1  # kept free for its end, should a signal be kept for it
        signal = Signal(operation.signal)
        return self._journal.open_signal(replace(step, status=Status.WAITING, due=due, signal=signal))


def _info(step: Step, operation: RunStep | SendEvent) -> StepInfo:
    args, kwargs = (operation.args, operation.kwargs) if isinstance(operation, RunStep) else ((), {})
    return StepInfo(step.key, step.kind, step.attempt, args, kwargs, written=_written(operation))


def _written(operation: RunStep | SendEvent) -> Callable[[object], object] | None:
    kind = operation.output if isinstance(operation, RunStep) else None
    return None if kind is None else kind.written
