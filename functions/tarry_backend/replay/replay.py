"""One replay of one run: the engine that the step tools speak to.

Everything happens on one event loop. A plain ``def`` function runs in a thread; its steps are performed on the
loop as well, while the thread waits. So there is one engine for both faces.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tarry.context import Context, ContextSync
from tarry.errors import LimitError, ReplayError, StepCallError, StepError, Suspended, UsageError
from tarry.event import Event
from tarry.jsonvalues import decode
from tarry.operations import CollectEvents
from tarry_backend.position import Position
from tarry_backend.replay.bridge import Bridge
from tarry_backend.replay.history import Status
from tarry_backend.replay.hooks import HOOK, Hooks
from tarry_backend.replay.keeping import Keeping
from tarry_backend.replay.loop import GRACE, LAST_GRACE, QuietLoop
from tarry_backend.replay.outcome import Failed, Outcome, Paused, of_error, of_output
from tarry_backend.replay.past import PAST, Past
from tarry_backend.replay.performer import BODY, Performer
from tarry_backend.replay.race import check_lanes, entered, first_of, lanes
from tarry_backend.replay.threads import strangers
from tarry_backend.replay.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from contextvars import Context as Variables

    from tarry.function import Function
    from tarry.operations import Operation
    from tarry_backend.replay.history import Step
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.race import Lane

__all__ = ["Replayed", "replay"]

logger = logging.getLogger("tarry.replay")

T = TypeVar("T")

_FAREWELL = 5.0
"""Seconds that a function has for its ``finally`` blocks once it is suspended."""

_PATIENCE = 100
"""How often a suspended function may call steps. One that goes on for ever is slowed down, and left behind."""

_BRANCHES = 500
"""The most threads of a function side by side: a Lambda has about a thousand, and their steps' bodies need some."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What replay must know of a run. ``received_at`` is that of the event which started it.

    ``news`` is how many of the newest kept results may be new to the function. Those before them it has been given,
    and has gone on from there until it rested.
    """

    id: str
    event: Event
    received_at: int
    attempt: int = 0
    news: int = 1


def replay(
    function: Function, run: Replayed, history: Iterable[Step], journal: Journal, max_steps: int = 1000
) -> Outcome:
    """Runs the function over the kept steps, and on from there. An error of the journal is raised."""
    return Engine(function, run, list(history), journal, max_steps).outcome()


class Engine:
    """``tarry.operations.Engine``, and the watcher of its own loop."""

    def __init__(
        self, function: Function, run: Replayed, history: list[Step], journal: Journal, max_steps: int
    ) -> None:
        self._function = function
        self._run = run
        self._kept = {step.key: step for step in history}
        self._journal = journal
        self._turns = Turns(history, news=run.news)
        self._hooks = Hooks(function)
        self._keys: set[str] = set()
        self._uses: Counter[str] = Counter()
        self._open = self._branches = self._refusals = 0
        self._out_of_time = False
        self._ending: Outcome | BaseException | None = None
        self._loop = QuietLoop(self)
        self._bridge = Bridge(self._loop, self._turns)
        self._keeping = Keeping(
            self._loop, journal, self._kept, self._turns, is_alone=self._is_alone, failed=self._break_off
        )
        self._performer = Performer(run.id, function, self._hooks.chain, journal, self._keeping, history, max_steps)
        self._over = self._loop.create_future()

    def outcome(self) -> Outcome:
        """How the replay ends."""
        try:
            main = self._loop.create_task(self._main())
            while not main.done():
                with suppress(SystemExit):  # asyncio lets it through, but it ends the function, not the Lambda
                    self._loop.run_until_complete(main)
        finally:
            self._loop.close()
        if isinstance(self._ending, BaseException):
            raise self._ending
        assert self._ending is not None
        return self._ending

    # What the tools call.

    @property
    def attempt(self) -> int:
        body = BODY.get()
        return body.attempt if body else self._run.attempt

    @property
    def is_repeating(self) -> bool:
        if BODY.get() is not None:
            return False
        return self._turns.is_replaying or isinstance(self._ending, Paused)  # its ``finally`` blocks, at each rest

    @property
    def idempotency_key(self) -> str:
        body = BODY.get()
        if body is None:
            raise StepCallError("ctx.step.idempotency_key belongs to a step: ask for it in the step's body")
        return f"{body.run_id}/{body.key}"

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        await self._enter(f"step {operation.id!r}")
        return await self._carry_out(operation)

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        self._enter_sync(f"step {operation.id!r}")
        return self._bridge.ask(self._carry_out(operation))

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        await self._enter("group.parallel")
        variables = [copy_context() for _ in branches]
        tasks = [
            self._loop.create_task(_awaited(branch), context=own)
            for branch, own in zip(branches, variables, strict=True)
        ]
        return _joined(await asyncio.gather(*tasks, return_exceptions=True), variables)

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        self._enter_sync("group.parallel")
        with self._threads_for(branches, "group.parallel"):
            variables = [copy_context() for _ in branches]
            return _joined(self._bridge.ask(self._bridge.run_all(branches, variables)), variables)

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        await self._enter("group.race")
        side_by_side = lanes(len(branches))
        tasks = [
            self._loop.create_task(_awaited(branch), context=lane.variables)
            for lane, branch in zip(side_by_side, branches, strict=True)
        ]
        return await self._decide(side_by_side, tasks)

    def race_sync(self, branches: Sequence[Callable[[], Any]]) -> Any:
        self._enter_sync("group.race")
        with self._threads_for(branches, "group.race"):
            return self._bridge.ask(self._race_of_threads(lanes(len(branches)), branches))

    async def _race_of_threads(self, side_by_side: Sequence[Lane], branches: Sequence[Callable[[], Any]]) -> Any:
        self._bridge.hold()
        calls = (self._bridge.run(lane.variables, b) for lane, b in zip(side_by_side, branches, strict=True))
        return await self._decide(side_by_side, [self._loop.create_task(call) for call in calls])

    @contextmanager
    def _threads_for(self, branches: Sequence[object], what: str) -> Iterator[None]:
        if self._branches + len(branches) > _BRANCHES:
            raise LimitError(
                f"{what} has a thread for each branch of a def, at most {_BRANCHES} at a time; use an async def"
            )
        self._branches += len(branches)
        try:
            yield
        finally:
            self._branches -= len(branches)

    # Several steps.

    async def _carry_out(self, operation: Operation | CollectEvents) -> Any:
        if isinstance(operation, CollectEvents):
            return await self._collect(operation)
        return await self._given(await self._step(operation))

    async def _collect(self, operation: CollectEvents) -> list[Event]:
        """Waits on, each time from where the last wait left off, so that nothing falls between two."""
        wait, events = operation.wait, list[Event]()
        while not operation.is_complete(events):
            step = await self._step(wait)
            if (output := await self._given(step)) is None:
                break
            events.append(Event(**output))
            assert step.wait is not None
            until = datetime.fromtimestamp(step.wait.deadline / 1000, UTC)
            wait = replace(wait, timeout=until, lookback=None)
        return events

    async def _decide(self, side_by_side: Sequence[Lane], tasks: Sequence[asyncio.Task[Any]]) -> Any:
        winner = await first_of(tasks)
        if self._ending is not None:  # they end since the run is suspended, none has won
            await asyncio.wait(tasks)
            raise Suspended(Suspended.__doc__)
        for place, (lane, task) in enumerate(zip(side_by_side, tasks, strict=True)):
            if place != winner:
                await self._stop(lane, task)
        PAST.set(side_by_side[winner].variables[PAST])
        return tasks[winner].result()

    async def _stop(self, lane: Lane, task: asyncio.Task[Any]) -> None:
        """Ends a branch that has lost, where it is, and withdraws what it has open."""
        lane.has_lost = True
        for each in {task, *lane.waiting} - self._bridge.holding:
            each.cancel()
        done, _ = await asyncio.wait({task}, timeout=_FAREWELL)
        _hear(done)
        await self._keeping.settle(lane.keys)  # what is on its way into the journal is withdrawn, too
        for key in sorted(lane.keys & self._kept.keys()):
            if self._kept[key].is_open and self._ending is None:
                self._kept[key] = self._performer.withdraw(self._kept[key])

    # One step.

    async def _given(self, step: Step) -> Any:
        """What the function is given of a step that has ended."""
        output = _given(step)
        if not self._hooks:
            return output
        try:
            return await self._hooks.given(output, step)
        except Exception as error:  # not the step's: the function, which might catch it, would not repeat itself
            return await self._end(of_error(error))

    async def _step(self, operation: Operation) -> Step:
        key = self._key(operation.id)
        with entered(key):
            return await self._asked(operation, key)

    async def _asked(self, operation: Operation, key: str) -> Step:
        kept = self._kept.get(key)
        self._turns.visit(key)
        if kept is not None and kept.kind != operation.kind:
            return await self._end(of_error(ReplayError(self._no_fit(f"{operation.kind} step {key!r}", kept))))
        if kept is None or kept.is_open:
            kept = await self._live(operation, key, kept)
        await self._turns.result(key)
        PAST.set(PAST.get().then(kept))
        return kept

    async def _live(self, operation: Operation, key: str, kept: Step | None) -> Step:
        """Performs a step that has not ended; returns once it has."""
        await self._turns.live(key)
        if self._journal.is_cancelled():
            return await self._rest()
        if self._journal.out_of_time():
            self._out_of_time = True
            return await self._rest()
        try:
            step = await self._performer.perform(operation, key, kept)
        except (asyncio.CancelledError, GeneratorExit, Suspended):
            raise
        except BaseException as error:
            self._break_off(error, key)
            return await self._rest()
        return await self._rest() if step.is_open else step

    async def _rest(self) -> Step:
        self._open += 1
        try:
            await self._loop.create_future()
            raise AssertionError("unreachable: nobody ever resolves it")
        finally:
            self._open -= 1

    async def _end(self, ending: Failed) -> Step:
        """Ends the replay from inside a step, whose caller never hears of it."""
        self._finish(ending)
        return await self._rest()

    def _break_off(self, error: BaseException, key: str) -> None:
        """Ends the replay by an error of the journal, which the function cannot catch.

        What it has asked wrongly for fails its run, as another attempt would end just so. Any other error is not the
        function's: it ends the invocation, and is raised there.
        """
        self._finish(of_error(error, key) if isinstance(error, UsageError) else error)

    def _key(self, step_id: str) -> str:
        """The id, or if it has been used the first free one of ``id:1``, ``id:2``…"""
        count = self._uses[step_id]
        while (key := f"{step_id}:{count}" if count else step_id) in self._keys:
            count += 1
        self._uses[step_id] = count + 1
        self._keys.add(key)
        return key

    async def _enter(self, what: str) -> None:
        if self._refusals > _PATIENCE:
            await self._rest()
        self._admit(what)

    def _enter_sync(self, what: str) -> None:
        if self._refusals > _PATIENCE:
            time.sleep(1)
        self._admit(what)

    def _admit(self, what: str) -> None:
        if HOOK.get():
            raise StepCallError(f"{what} is called in a middleware: only the function itself has steps")
        if (body := BODY.get()) is not None:
            raise StepCallError(f"{what} is called inside step {body.key!r}: call it before or after that step")
        if not self._bridge.is_home():
            raise StepCallError(
                f"{what} is called outside its run: call it in the function, not in a thread or loop of its own"
            )
        if self._ending is None:
            check_lanes(what)
            return
        self._refusals += 1
        if isinstance(self._ending, Paused):
            raise Suspended(Suspended.__doc__)
        raise StepCallError(f"{what} is called after its function had ended")

    def _is_alone(self) -> bool:
        return not self.is_busy() and not self._turns.is_starting

    # The loop's watcher.

    def progress(self) -> bool:
        return self._ending is None and not self._hooks.at_work and self._bridge.is_quiet() and self._turns.advance()

    def is_busy(self) -> bool:
        return self._hooks.at_work > 0 or self._performer.bodies > 0 or self._bridge.is_busy()

    def patience(self, *, connected: bool) -> float:
        if self._open:
            return GRACE if connected else 0
        return LAST_GRACE if connected or (strangers() and not self._turns.newcomers()) else 0

    def come_to_rest(self) -> None:
        if missing := self._turns.missing():
            asked = ", ".join(repr(key) for key in self._turns.newcomers() if key not in self._kept)
            instead = f"new step {asked}" if asked else "nothing in its place"
            self._finish(of_error(ReplayError(self._no_fit(instead, missing[0]))))
        elif self._open:
            self._finish(Paused(self._out_of_time))
        else:
            self._finish(
                of_error(UsageError("the function awaits something that no step, timer or connection can bring"))
            )

    # The whole.

    async def _main(self) -> None:
        self._bridge.settle()
        PAST.set(Past(Position(self._run.received_at, self._run.event.id)))
        root = self._loop.create_task(self._root())
        root.add_done_callback(self._root_ended)
        await self._over
        await self._keeping.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others - self._bridge.holding:
            task.cancel()
        if others:
            done, _ = await asyncio.wait(others, timeout=_FAREWELL)
            _hear(done)
        self._teach(root)
        if self._hooks:
            self._ending = await self._hooks.leave(self._ending)

    async def _root(self) -> Any:
        face = Context if self._function.is_async else ContextSync
        context = face(self, self._run.event, self._run.id, self._function.id)
        if self._hooks:
            await self._hooks.enter(context)
        context.data = self._function.data_of(context.event)
        output = await self._called(context)
        return await self._hooks.returned(output) if self._hooks else output

    async def _called(self, context: Context | ContextSync) -> Any:
        handler: Callable[[Any], Any] = self._function.handler
        if self._function.is_async:
            return await handler(context)
        return await self._bridge.run(copy_context(), partial(handler, context))

    def _root_ended(self, root: asyncio.Task[Any]) -> None:
        if self._ending is not None:
            return
        if root.cancelled():
            self._finish(of_error(asyncio.CancelledError("the function cancelled itself")))
        elif (error := root.exception()) is not None:
            self._finish(of_error(error))
        elif missing := self._turns.missing():
            self._finish(of_error(ReplayError(self._no_fit("its own end", missing[0]))))
        else:
            self._finish(of_output(root.result()))

    def _finish(self, ending: Outcome | BaseException) -> None:
        if self._ending is None:
            self._ending = ending
            self._over.set_result(None)
        elif isinstance(ending, BaseException) and not isinstance(self._ending, BaseException):
            self._ending = ending  # of a write that was under way: nothing is to follow from the function's end either

    def _teach(self, root: asyncio.Task[Any]) -> None:
        if not root.done():
            logger.warning("%s still runs %s s after its suspension; it is left behind", self._function.id, _FAREWELL)
        elif isinstance(self._ending, Paused) and not _unwound(root):
            logger.warning(
                "%s caught its suspension. %s", self._function.id, " ".join((Suspended.__doc__ or "").split())
            )

    def _no_fit(self, asked: str, kept: Step) -> str:
        return (
            f"function {self._function.id!r} no longer fits its run: the run has kept {kept.kind} step {kept.key!r}, "
            f"the function asks for {asked}. Bring the step back under its id, or start the run anew."
        )


def _given(step: Step) -> Any:
    if step.status is Status.FAILED:
        assert step.error is not None
        raise StepError(step.key, step.error.name, step.error.message, step.error.stack)
    return decode(step.output or "null")


async def _awaited(branch: Callable[[], Awaitable[Any]]) -> Any:
    return await branch()


def _joined(results: Sequence[Any], variables: Sequence[Variables]) -> tuple[Any, ...]:
    PAST.set(PAST.get().joined(own.get(PAST, PAST.get()) for own in variables))
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in sorted(errors, key=lambda e: isinstance(e, Exception)):  # a suspension before all else
        raise error
    return tuple(results)


def _hear(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """How these ended no longer matters; asyncio would log each error that nobody has asked for."""
    for task in tasks:
        if not task.cancelled():
            task.exception()


def _unwound(root: asyncio.Task[Any]) -> bool:
    return root.cancelled() or isinstance(root.exception(), Suspended | asyncio.CancelledError)
