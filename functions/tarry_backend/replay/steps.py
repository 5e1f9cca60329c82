"""The steps that a function asks for: from the history, or performed here and now."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.interruption import Presence
from tarry._engine.operations import CollectEvents, InvokeFunction, RunStep
from tarry._wire.steady_logger import steady_logger
from tarry.errors import ReplayError, StepDataError, Suspended, UsageError
from tarry.event import Event
from tarry_backend.replay.arguments import changed
from tarry_backend.replay.branch_past import PAST
from tarry_backend.replay.outcome import misfit, of_error
from tarry_backend.replay.race import entered

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from collections.abc import Set as AbstractSet
    from typing import Never

    from tarry._engine.operations import Operation
    from tarry._engine.outputtype import OutputType
    from tarry._engine.place import Place
    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.replay.conclusion import Conclusion
    from tarry_backend.replay.hooks import Hooks
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Failed
    from tarry_backend.replay.performer import Performer
    from tarry_backend.replay.result_order import ResultOrder
    from tarry_backend.replay.step_keys import StepKeys
    from tarry_backend.replay.step_writer import StepWriter

__all__ = ["Steps"]

logger = steady_logger("tarry.replay")

_MOST_WARNINGS = 3
"""Of how many steps one replay warns that their arguments have changed."""


class Steps:
    """Performs a function's operations in the order of its history, all of it on the loop.

    ``is_out_of_time``: a step did not begin, since the invocation nears its end. ``place`` returns the line of user
    code that asks for the current operation.
    """

    def __init__(
        self,
        function: Function,
        journal: Journal,
        turns: ResultOrder,
        hooks: Hooks,
        keeping: StepWriter,
        keys: StepKeys,
        performer: Performer,
        conclusion: Conclusion,
        place: Callable[[], Place],
    ) -> None:
        self.is_out_of_time = False
        self._has_begun = False
        self._function = function
        self._warnings = 0
        self._journal = journal
        self._turns = turns
        self._hooks = hooks
        self._keeping = keeping
        self._performer = performer
        self._conclusion = conclusion
        self._place = place
        self._keys = keys

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        """Return what the function receives for an operation; see ``tarry._engine.engine.Engine``."""
        if isinstance(operation, CollectEvents):
            return await self._collect(operation)
        step = await self._step(operation)
        output = await self._given(step)
        return output if (asked := _type(operation)) is None else await self._typed(output, asked, step)

    def given_directly(self, operation: Operation, step: Step, ask: Callable[[Coroutine[Any, Any, Any]], Any]) -> Any:
        """From a thread without middleware: as ``perform``, of a step that has been given; ``ask`` reaches the loop."""
        output = step.result()
        if (asked := _type(operation)) is None:
            return output
        try:
            return asked.read(output, step.key)
        except (StepDataError, UsageError):
            return ask(self._typed(output, asked, step))

    async def withdraw(self, keys: AbstractSet[str]) -> None:
        """End those of these steps that are open and whose result the function does not need.

        A step that has ended, but whose result has not had its turn, ended too late. The journal notes it.
        """
        await self._keeping.settle(keys)  # steps on their way into the journal are withdrawn too
        for key in sorted(keys & self._keeping.steps.keys()):
            step = self._keeping.steps[key]
            if self._conclusion.is_reached:
                continue
            if step.is_open:
                self._performer.withdraw(step)
            elif self._turns.awaits(key):
                self._journal.lose(step)

    async def _collect(self, operation: CollectEvents) -> list[Event]:
        """Wait repeatedly, each time from where the last wait left off, so that nothing falls between two."""
        wait, events = operation.wait, list[Event]()
        while not operation.is_complete(events):
            step = await self._step(wait)
            if (output := await self._given(step)) is None:
                break
            events.append(Event(**output))
            assert step.wait is not None
            until = datetime.fromtimestamp(step.wait.deadline / 1000, UTC)
            wait = replace(wait, timeout=until, lookback=None, continued=True)
        return events

    async def _given(self, step: Step) -> Any:
        """Return what the function receives for a step that has ended."""
        output = step.result()
        if not self._hooks:
            return output
        presence = Presence()
        try:
            return await self._hooks.given(output, step, is_new=not self._turns.is_replaying)
        except BaseException as error:  # not the step's error: if the function caught it, its replays would differ
            if presence.is_cut_off(error):
                raise
            await self._conclusion.fail(of_error(error))

    async def _typed(self, output: Any, asked: OutputType, step: Step) -> Any:
        """Return the output as its type. At first, too, it is read from what is stored, so each replay gives the same.

        An output that does not fit fails the run: if the function caught the error, it would not do what it did when
        the output fitted.
        """
        try:
            return asked.read(output, step.key)
        except (StepDataError, UsageError) as error:
            await self._fail(of_error(error))

    async def _fail(self, failed: Failed) -> Never:
        """Fail the run, and name the line of user code. The error does not pass it, so its stack has no such line."""
        await self._conclusion.fail(failed.at(self._place()))

    async def _step(self, operation: Operation) -> Step:
        key = self._keys.take(operation.id)
        with entered(key):
            step = await self._ended(operation, key)
            await self._turns.result(key)
        PAST.set(PAST.get().then(step))
        return step

    async def _ended(self, operation: Operation, key: str) -> Step:
        """Return the step once it has ended; its result may have to wait for its turn."""
        kept = self._keeping.steps.get(key)
        self._turns.visit(key)
        if kept is not None and kept.kind != operation.kind:
            await self._fail(misfit(self._function.id, f"{operation.kind} step {key!r}", kept))
        if kept is not None and (problem := changed(kept, operation, self._performer.large)) is not None:
            await self.warn(problem)
        if kept is None or kept.is_open:
            return await self._live(operation, key, kept)
        return kept

    async def warn(self, problem: str) -> None:
        """Fail the run of a strict function; warn of the first few such steps of another."""
        if self._function.strict:
            await self._fail(of_error(ReplayError(problem)))
        self._warnings += 1
        if self._warnings <= _MOST_WARNINGS:
            logger.warning("function %s%s: %s", self._function.id, self._place(), problem)

    async def _live(self, operation: Operation, key: str, kept: Step | None) -> Step:
        """Perform a step that has not ended; return once it has."""
        await self._turns.live(key)
        try:
            if self._must_stop(operation, kept):
                await self._conclusion.rest()
            self._has_begun = True
            step = await self._performer.perform(operation, key, kept)
        except (asyncio.CancelledError, GeneratorExit, Suspended):
            raise
        except BaseException as error:
            self._conclusion.break_off(error, key, self._place())
            await self._conclusion.rest()
        if self._conclusion.fault is not None:
            await self._conclusion.fail(of_error(self._conclusion.fault))
        if step.is_open:
            await self._conclusion.rest()
        return step

    def must_stop(self) -> bool:
        """Whether no further step begins in this invocation."""
        if self._journal.is_cancelled():
            return True
        self.is_out_of_time = self.is_out_of_time or self._journal.out_of_time()
        return self.is_out_of_time

    def _must_stop(self, operation: Operation, kept: Step | None) -> bool:
        if self.must_stop():
            return True
        self.is_out_of_time = not self._has_room(operation, kept)
        return self.is_out_of_time

    def _has_room(self, operation: Operation, kept: Step | None) -> bool:
        """Whether a step with a timeout, if its body begins now, is over before the invocation is.

        The first step of an invocation begins in any case: the next invocation would have no more time for it, and
        would hand it on, too.
        """
        limit = operation.options.timeout_ms if isinstance(operation, RunStep) else None
        if limit is None or (kept is not None and (kept.due or 0) > self._journal.now()):
            return True
        return self._journal.has_room(limit) or not self._has_begun


def _type(operation: Operation) -> OutputType | None:
    return operation.output if isinstance(operation, RunStep | InvokeFunction) else None
