"""The writer of steps into the journal.

Steps that end at about the same time are stored in parallel, in threads. The function receives their results in the
order in which they ended, and each result only once it and all earlier ones are durable:

    ended      a (5) ── b (6)
    durable             ┄┄┄┄┄ b ───── a                        a's write takes longer
    given                             a ── b

If it is cut off between the two writes, the history has b and not a. The function has seen neither. The replay gives it
b; a runs again and ends after b, and this order stays:

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

    from tarry_backend.model.step import Status, Step
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.loop import QuietLoop
    from tarry_backend.replay.result_order import ResultOrder

__all__ = ["StepWriter"]

_WRITERS = 10
"""The most parallel writes: an AWS client keeps as many connections."""


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    """A write under way. ``ended`` says whether the step is durable."""

    step: Step
    ended: asyncio.Future[bool]

    @property
    def is_durable(self) -> bool:
        return self.ended.done() and self.ended.result()


class StepWriter:
    """Stores steps in the journal. ``steps`` are those stored so far, by their keys.

    ``is_alone`` says whether no other code of the run works. ``failed`` receives a journal's error and its step's key;
    later results are then not given.
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
        """Store a step, with all others of this turn of the loop. Its result gets its turn after that."""
        if not self._is_closed:
            if not self._decided:
                self._loop.call_soon(self._begin)
            self._decided.append(self._write(step))
        return step

    def kept(self, step: Step) -> Step:
        """Take a step that the journal has already stored; its result gets its turn after those before it."""
        self._end(self._write(step))
        return step

    async def settle(self, keys: Container[str]) -> None:
        """Return once no write of these steps is under way."""
        await _ended(write for write in self._under_way if write.step.key in keys)

    async def is_kept(self, key: str, status: Status) -> bool:
        """Return, once no write of this step is under way, whether it is stored with this status."""
        await self.settle((key,))
        return (step := self.steps.get(key)) is not None and step.status is status

    async def close(self) -> None:
        """Accept no further step; return once no write is under way, so that none meets the next invocation."""
        self._is_closed = True
        await _ended(self._under_way)
        self._threads.shutdown()

    def _write(self, step: Step) -> _Write:
        write = _Write(step, self._loop.create_future())
        self._under_way.append(write)
        return write

    def _begin(self) -> None:
        """A write with nothing beside it needs no thread, which would cost a tenth of a millisecond."""
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
        """Store a step; return its error, or ``None``."""
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
