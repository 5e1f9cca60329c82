"""One replay of one run: the engine behind the step tools.

Everything happens on one event loop. A plain ``def`` function runs in a thread; the loop performs its steps while the
thread waits. So both faces share one engine.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tarry._engine.current_run import CURRENT
from tarry._engine.hand_over import WHAT
from tarry._engine.interruption import is_death
from tarry._engine.operations import CollectEvents
from tarry._engine.outputtype import OutputType
from tarry._wire.steady_logger import steady_logger
from tarry.context import Context, ContextSync
from tarry.errors import UsageError
from tarry_backend.model.event_identity import identity
from tarry_backend.model.position import Position
from tarry_backend.replay.admission import Admission
from tarry_backend.replay.block_watch import watched
from tarry_backend.replay.branch_past import PAST, BranchPast
from tarry_backend.replay.bridge import Bridge
from tarry_backend.replay.conclusion import Conclusion, came_out_of_a_task, farewell, leave_behind
from tarry_backend.replay.direct_answers import DirectAnswers
from tarry_backend.replay.groups import Groups
from tarry_backend.replay.hand_over import HandOver
from tarry_backend.replay.hooks import Hooks
from tarry_backend.replay.loop import GRACE, LAST_GRACE, QuietLoop
from tarry_backend.replay.outcome import Continued, Failed, Paused, misfit, of_error, of_output
from tarry_backend.replay.patches import Patches
from tarry_backend.replay.performer import BODY, Performer
from tarry_backend.replay.result_order import ResultOrder
from tarry_backend.replay.step_calls import StepCalls
from tarry_backend.replay.step_keys import StepKeys
from tarry_backend.replay.step_writer import StepWriter
from tarry_backend.replay.steps import Steps
from tarry_backend.replay.threads import is_served, strangers
from tarry_backend.replay.timer_watch import TimerWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from typing import Never

    from tarry._engine.hand_over import ContinueAsNew
    from tarry._engine.operations import Operation, Patch
    from tarry._engine.place import Place
    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Outcome
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["replay"]

logger = steady_logger("tarry.replay")


def replay(
    function: Function, run: Replayed, history: Iterable[Step], journal: Journal, max_steps: int = 1000
) -> Outcome:
    """Run the function over the stored steps, and on from there. An error of the journal is raised."""
    return Engine(function, run, list(history), journal, max_steps).outcome()


class Engine:
    """The implementation of ``tarry._engine.engine.Engine``, and the watcher of its own loop."""

    def __init__(
        self, function: Function, run: Replayed, history: list[Step], journal: Journal, max_steps: int
    ) -> None:
        self._function = function
        self._run = run
        self._turns = turns = ResultOrder(history, news=run.news)
        self._hooks = hooks = Hooks(function)
        self._loop = loop = QuietLoop(self)
        self._conclusion = conclusion = Conclusion(loop)
        self.calls = loop.calls = StepCalls(conclusion)
        loop.watch_timers(TimerWatch(function.id, conclusion))
        self._bridge = Bridge(loop, turns)
        self._keeping = keeping = StepWriter(
            loop, journal, history, turns, is_alone=self._is_alone, failed=conclusion.break_off
        )
        self._performer = Performer(
            run.id, function, hooks.chain, journal, keeping, history, max_steps, self._place, run.attempt_since
        )
        keys = StepKeys()
        self._steps = Steps(function, journal, turns, hooks, keeping, keys, self._performer, conclusion, self._place)
        warn = self._steps.warn
        self._direct = DirectAnswers(loop, self._bridge, turns, keeping, keys, self._performer, conclusion, warn)
        must_stop = self._steps.must_stop
        self._patches = Patches(journal, turns, keeping, self._performer, conclusion, must_stop, self._place)
        self._hand_over = HandOver(run.event, journal, turns, hooks, keeping, conclusion, self._place)
        self._groups = Groups(loop, self._bridge, self._steps, conclusion)
        self._admission = Admission(self._bridge, conclusion)

    def outcome(self) -> Outcome:
        """Run the replay and return its outcome."""
        try:
            main: asyncio.Task[Outcome | BaseException] = self._loop.create_task(self._main())
            with watched(self._loop.selector, f"function {self._function.id!r}, run {self._run.id},"):
                while not main.done():
                    self._run_loop(main)
        finally:
            self._loop.close()
        ending = main.result()
        if isinstance(ending, BaseException):
            raise ending
        return ending

    def _run_loop(self, main: asyncio.Task[Any]) -> None:
        """asyncio lets these two errors of a task through, but they end the function, not the Lambda."""
        try:
            self._loop.run_until_complete(main)
        except SystemExit:
            pass
        except KeyboardInterrupt as error:
            if not came_out_of_a_task(error):  # somebody has pressed Ctrl-C
                raise

    # The calls of the tools.

    @property
    def attempt(self) -> int:
        body = BODY.get()
        return body.attempt if body else self._run.attempt

    @property
    def is_in_step(self) -> bool:
        return BODY.get() is not None

    @property
    def is_repeating(self) -> bool:
        if self.is_in_step:
            return False
        is_at_rest = isinstance(self._conclusion.ending, Paused | Continued)  # its ``finally`` blocks run at each pause
        return self._turns.is_replaying or is_at_rest

    @property
    def idempotency_key(self) -> str:
        body = BODY.get()
        if body is None:
            raise self._admission.refuse_sync(
                "ctx.step.idempotency_key was used outside of a step: use it in the step's body"
            )
        return f"{body.run_id}/{body.key}"

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        await self._admission.enter(f"step {operation.id!r}")
        return await self._steps.perform(operation)

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        self._admission.enter_sync(f"step {operation.id!r}")
        if self._hooks or isinstance(operation, CollectEvents) or (step := self._direct.take(operation)) is None:
            return self._bridge.ask(self._steps.perform(operation))
        return self._steps.given_directly(operation, step, self._bridge.ask)

    async def patched(self, patch: Patch) -> bool:
        await self._admission.enter(f"patch {patch.id!r}")
        return await self._patches.answer(patch)

    def patched_sync(self, patch: Patch) -> bool:
        self._admission.enter_sync(f"patch {patch.id!r}")
        return self._bridge.ask(self._patches.answer(patch))

    async def continue_as_new(self, request: ContinueAsNew) -> Never:
        await self._admission.enter(WHAT)
        await self._hand_over.ask(request)

    def continue_as_new_sync(self, request: ContinueAsNew) -> Never:
        self._admission.enter_sync(WHAT)
        self._bridge.ask(self._hand_over.ask(request))

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        await self._admission.enter("group.parallel")
        return await self._groups.parallel(branches)

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        self._admission.enter_sync("group.parallel")
        return self._groups.parallel_sync(branches)

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        await self._admission.enter("group.race")
        return await self._groups.race(branches)

    def race_sync(self, branches: Sequence[Callable[[], Any]]) -> Any:
        self._admission.enter_sync("group.race")
        return self._groups.race_sync(branches)

    def _place(self) -> Place:
        return self.calls.place() if self._function.is_async else self._bridge.place()

    # The loop's watcher.

    def progress(self) -> bool:
        is_settled = not self._hooks.at_work and self._bridge.is_quiet()
        return not self._conclusion.is_reached and is_settled and self._turns.advance()

    def is_busy(self) -> bool:
        is_working = self._hooks.at_work > 0 or self._performer.bodies > 0 or self._bridge.is_busy()
        return is_working or is_served(self._loop)

    def patience(self, *, connected: bool) -> float:
        if self._conclusion.is_awaited:
            return GRACE if connected else 0
        return LAST_GRACE if connected or (strangers() and not self._turns.newcomers()) else 0

    def come_to_rest(self) -> None:
        self._conclusion.conclude(self._at_rest())

    def _at_rest(self) -> Outcome:
        if missing := self._turns.missing():
            asked = ", ".join(repr(key) for key in self._turns.newcomers() if key not in self._keeping.steps)
            return misfit(self._function.id, f"new step {asked}" if asked else "nothing in its place", missing[0])
        if not self._steps.is_out_of_time and (ending := self._hand_over.outcome()) is not None:
            return ending
        if self._conclusion.is_awaited:
            return Paused(self._steps.is_out_of_time)
        return of_error(UsageError("the function awaits something that no step, timer or connection can complete"))

    def _is_alone(self) -> bool:
        """Whether no other code of the run works, or is about to."""
        return not self.is_busy() and not self._turns.is_starting

    # The replay.

    async def _main(self) -> Outcome | BaseException:
        self._bridge.settle()
        self._admission.settle()
        begin = BranchPast(Position(self._run.received_at, identity(self._run.event)), given=self._run.started)
        PAST.set(self._run.past or begin)
        root = self._loop.create_task(self._root())
        root.add_done_callback(self._root_ended)
        await self._conclusion.reached()
        await self._keeping.close()
        self._bridge.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others - self._bridge.holding:
            task.cancel()
        await farewell(others)
        self._performer.leave()
        self._conclusion.teach(root, self._function.id)
        ending = self._conclusion.ending
        assert ending is not None
        ending = self._conclusion.verdict(ending)
        ending = self._conclusion.verdict(await self._hooks.leave(ending)) if self._hooks else ending
        await leave_behind(asyncio.all_tasks() - {asyncio.current_task()})
        return replace(ending, unkept_since=self._performer.unkept_since()) if isinstance(ending, Failed) else ending

    async def _root(self) -> Any:
        face = Context if self._function.is_async else ContextSync
        context = face(self, self._run.event, self._run.id, self._function.id, self._run.events)
        CURRENT.set(context)
        if self._hooks:
            await self._hooks.enter(context)
        context.data = self._function.data_of(context.event)
        output = await self._called(context)
        return await self._hooks.returned(output) if self._hooks else output

    async def _called(self, context: Context | ContextSync) -> Any:
        handler: Callable[[Any], Any] = self._function.handler
        if self._function.is_async:
            result = handler(context)
            return await result if inspect.isawaitable(result) else result  # a decorator may answer in its place
        return await self._bridge.run(copy_context(), partial(handler, context))

    def _root_ended(self, root: asyncio.Task[Any]) -> None:
        if not self._conclusion.is_reached:
            self._conclusion.conclude(self._of_root(root))
        elif not root.cancelled():
            root.exception()  # asyncio would log an error that is never retrieved

    def _of_root(self, root: asyncio.Task[Any]) -> Outcome | BaseException:
        error = _error_of(root)
        if error is not None:
            return error if is_death(error) else of_error(error)
        if (fault := self._conclusion.fault or self.calls.left()) is not None:
            return of_error(fault)
        if missing := self._turns.missing():
            return misfit(self._function.id, "its own end", missing[0])
        return of_output(root.result(), OutputType.of_handler(self._function.handler), self._function.handler)


def _error_of(root: asyncio.Task[Any]) -> BaseException | None:
    try:
        return root.exception()
    except asyncio.CancelledError as error:
        if not error.args:
            error.args = ("the function cancelled itself",)
        return error
