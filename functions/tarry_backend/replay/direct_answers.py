"""Answers from the history that a plain function's thread takes by itself.

To ask the loop means two changes of threads, which take longer than all else of a stored step. While one thread of the
function works and the loop sleeps, the next result in order can only be this thread's. So the thread takes it:

    thread    asks for a ── takes a ── works ── asks for b ── takes b ── asks for c, which is new ┐
    loop      sleeps ─────────────────────────────────────────────────────────────────────────────┴ performs c

What is not plainly so goes to the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.replay.arguments import changed
from tarry_backend.replay.branch_past import PAST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tarry._engine.operations import Operation
    from tarry_backend.model.step import Step
    from tarry_backend.replay.bridge import Bridge
    from tarry_backend.replay.conclusion import Conclusion
    from tarry_backend.replay.loop import QuietLoop
    from tarry_backend.replay.performer import Performer
    from tarry_backend.replay.result_order import ResultOrder
    from tarry_backend.replay.step_keys import StepKeys
    from tarry_backend.replay.step_writer import StepWriter

__all__ = ["DirectAnswers"]


class DirectAnswers:
    """Gives a thread the next stored step, if it asks for just this one and is the only code at work.

    ``warn`` tells that a step's arguments have changed.
    """

    def __init__(
        self,
        loop: QuietLoop,
        bridge: Bridge,
        turns: ResultOrder,
        keeping: StepWriter,
        keys: StepKeys,
        performer: Performer,
        conclusion: Conclusion,
        warn: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        self._loop = loop
        self._bridge = bridge
        self._turns = turns
        self._keeping = keeping
        self._keys = keys
        self._performer = performer
        self._conclusion = conclusion
        self._warn = warn

    def take(self, operation: Operation) -> Step | None:
        """From a thread: return the step, which has now been given; ``None`` if the loop has to decide.

        The loop cannot wake up between the look and the taking:

            thread    asleep() ── looks ── takes ── ends asleep()
            loop      sleeps ────── a timer, or a foreign thread ─┴ goes on
        """
        if not self._turns.has_results:
            return None
        with self._loop.asleep() as is_asleep:
            if not is_asleep or not self._bridge.is_alone() or self._conclusion.is_reached:
                return None
            key = self._keys.next(operation.id)
            if not self._turns.is_next(key):
                return None
            step = self._keeping.steps[key]
            if step.kind != operation.kind:
                return None
            self._turns.take(self._keys.take(operation.id))
        if (problem := changed(step, operation, self._performer.large)) is not None:
            self._bridge.ask(self._warn(problem))
        PAST.set(PAST.get().then(step))
        return step
