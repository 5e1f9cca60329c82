"""Steps on their way into the journal.

Steps that end at about the same time are kept side by side, in threads. The function is given their results in the
order in which they ended, and each only once it is durable, and all that was decided before it is:

    ended      a (5) ── b (6)
    durable             ┄┄┄┄┄ b ───── a                        a's write takes longer
    given                             a ── b

Cut off between the two writes, the history has b and not a. The function has seen neither. At the replay it is given
b; a runs again and ends after b, and so it stays:

    ended      a (5) ── b (6)           ┆  again          a (8)
    durable             ┄┄┄┄┄ b ── dies ┆                 ┄┄┄┄┄ a
    given                               ┆  b                    a
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tarry_backend.replay.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from tarry_backend.model.step import Step
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.loop import QuietLoop
    from tarry_backend.replay.result_order import ResultOrder

__all__ = ["StepWriter"]

_WRITERS = 10
"""The most writes side by side: a client of AWS keeps as many connections."""


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    """``ended`` says whether the step is durable."""

    step: Step
    ended: asyncio.Future[bool]

    @property
    def is_durable(self) -> bool:
        return self.ended.done() and self.ended.result()


class StepWriter:
    """Keeps steps in the journal. ``steps`` are those that are kept by now, by their keys.

    ``is_alone`` says whether nothing else of the run is at work. ``failed`` is told of a journal's error, and of which
    step: what was decided after it is not handed on.
    """

    def __init__(
        self,
        loop: QuietLoop,
        journal: Journal,
        history: Iterable[Step],
        turns: ResultOrder,
        *,
        is_alone: Callable[[], bool],
        failed: Callable[[BaseException, str], None],
    ) -> None:
        self.steps = {step.key: step for step in history}
        self._loop = loop
        self._journal = journal
        self._turns = turns
        self._is_alone = is_alone
        self._failed = failed
        self._threads = Threads(_WRITERS)
        self._under_way: deque[_Write] = deque()
        self._decided: list[_Write] = []
        self._is_closed = False

    def keep(self, step: Step) -> Step:
        """Has a step kept, with all that are decided in this turn of the loop. Its result gets its turn after that."""
        if not self._is_closed:
            if not self._decided:
                self._loop.call_soon(self._begin)
            self._decided.append(self._write(step))
        return step

    def kept(self, step: Step) -> Step:
        """Takes a step that the journal has kept itself; its result gets its turn after those before it."""
        self._end(self._write(step))
        return step

    async def settle(self, keys: Container[str]) -> None:
        """Returns once no write of these steps is under way."""
        await _ended(write for write in self._under_way if write.step.key in keys)

    async def close(self) -> None:
        """Has nothing kept any more, and returns once no write is under way: none is left for the next invocation to
        meet."""
        self._is_closed = True
        await _ended(self._under_way)
        self._threads.shutdown()

    def _write(self, step: Step) -> _Write:
        write = _Write(step, self._loop.create_future())
        self._under_way.append(write)
        return write

    def _begin(self) -> None:
        """A write that nothing goes on beside needs no thread, which would cost a tenth of a millisecond."""
        writes, self._decided = self._decided, []
        if len(self._under_way) == 1 and self._is_alone():
            self._end(writes[0], self._error(writes[0].step))
            return
        for write in writes:
            thread = self._loop.run_in_executor(self._threads, self._error, write.step)
            thread.add_done_callback(partial(self._written, write))

    def _written(self, write: _Write, thread: asyncio.Future[BaseException | None]) -> None:
        self._end(write, thread.result())

    def _error(self, step: Step) -> BaseException | None:
        """Keeps a step; what comes of it."""
        try:
            self._journal.keep(step)
        except BaseException as error:
            return error
        return None

    def _end(self, write: _Write, error: BaseException | None = None) -> None:
        if error is None:
            self.steps[write.step.key] = write.step
        else:
            self._failed(error, write.step.key)
        write.ended.set_result(error is None)
        while self._under_way and self._under_way[0].is_durable:
            step = self._under_way.popleft().step
            if step.is_given:
                self._turns.ended(step.key)


async def _ended(writes: Iterable[_Write]) -> None:
    if under_way := [write.ended for write in writes if not write.ended.done()]:
        await asyncio.wait(under_way)
