"""Functions as data: trees of steps, in sequence and side by side, with what each must come to."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from tarry import Context, NonRetriableError, StepError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.replay.memory import MemoryJournal

Endings = Mapping[str, str | None]
"""The ids of the events that ended the waits, by the events' names."""


@dataclass(frozen=True)
class Run:
    """A step that fails so often, then works. ``body``: whether it runs in a thread, at once, or takes turns."""

    id: str
    failures: int
    body: Literal["thread", "at once", "turns"]
    number: int = 0


@dataclass(frozen=True)
class Broken:
    """A step that fails for good, which the function takes as it is."""

    id: str
    number: int = 0


@dataclass(frozen=True)
class Sleep:
    """A sleep of that many minutes."""

    id: str
    minutes: int
    number: int = 0


@dataclass(frozen=True)
class Wait:
    """A wait for an event that is called by the number."""

    id: str
    number: int = 0


@dataclass(frozen=True)
class Sequence:
    """One after the other, each with the result of the one before."""

    parts: list[Program]


@dataclass(frozen=True)
class Parallel:
    """Side by side. In a ``def`` it is always by ``ctx.group``."""

    parts: list[Program]
    by: Literal["group", "gather", "tasks"]


Leaf = Run | Broken | Sleep | Wait
Program = Leaf | Sequence | Parallel

ids = st.sampled_from("abc")
leaves = st.one_of(
    st.builds(Run, ids, st.sampled_from([0, 0, 0, 1, 2]), st.sampled_from(["thread", "at once", "turns"])),
    st.builds(Broken, ids),
    st.builds(Sleep, ids, st.integers(0, 3)),
    st.builds(Wait, ids),
)


def programs() -> st.SearchStrategy[Program]:
    """Programs of up to twelve steps, numbered from 0."""
    trees = st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.builds(Sequence, st.lists(parts, min_size=1, max_size=4)),
            st.builds(Parallel, st.lists(parts, min_size=1, max_size=4), st.sampled_from(["group", "gather", "tasks"])),
        ),
        max_leaves=12,
    )
    return trees.map(lambda tree: _numbered(tree, count()))


def result(program: Program, given: str, endings: Endings) -> str:
    """What the program comes to: the meaning of a tree, without steps, replays or an event loop."""
    match program:
        case Run() | Sleep():
            return _stamp(given, program.number)
        case Broken():
            return _stamp(given, program.number, f"broken {program.number}")
        case Wait():
            return _stamp(given, program.number, endings[str(program.number)] or "nobody")
        case Sequence(parts):
            for part in parts:
                given = result(part, given, endings)
            return given
        case Parallel(parts):
            return _stamp(*(result(part, given, endings) for part in parts))


def calls(program: Program) -> Counter[int]:
    """How often each body must be called."""
    match program:
        case Run():
            return Counter({program.number: program.failures + 1})
        case Broken():
            return Counter({program.number: 1})
        case Sequence(parts) | Parallel(parts):
            return sum(map(calls, parts), Counter[int]())
        case _:
            return Counter()


class Performance:
    """Performs a program as a function's code. ``called`` counts its bodies, ``again`` those that were kept already."""

    def __init__(self, program: Program, journal: MemoryJournal, *, is_async: bool) -> None:
        self._program = program
        self._journal = journal
        self._is_async = is_async
        self.called: Counter[int] = Counter()
        self.again: list[int] = []

    async def handler(self, ctx: Context) -> str:
        """The function."""
        return await self._perform(ctx, self._program, "")

    async def _perform(self, ctx: Context, program: Program, given: str) -> str:
        match program:
            case Run():
                body = self._plain if program.body == "thread" else self._awaited
                return await ctx.step.run(program.id, body, program, given)
            case Broken():
                return await self._break(ctx, program, given)
            case Sleep():
                await ctx.step.sleep(program.id, f"{program.minutes}m")
                return _stamp(given, program.number)
            case Wait():
                event = await ctx.step.wait_for_event(program.id, event=str(program.number), timeout="30m")
                return _stamp(given, program.number, event.id if event else "nobody")
            case Sequence(parts):
                for part in parts:
                    given = await self._perform(ctx, part, given)
                return given
            case Parallel():
                return _stamp(*await self._join(ctx, program, given))

    async def _join(self, ctx: Context, program: Parallel, given: str) -> list[str]:
        branches = [partial(self._perform, ctx, part, given) for part in program.parts]
        if program.by == "group" or not self._is_async:
            return list(await ctx.group.parallel(branches))
        if program.by == "gather":
            return list(await asyncio.gather(*(branch() for branch in branches)))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(branch()) for branch in branches]
        return [task.result() for task in tasks]

    async def _break(self, ctx: Context, program: Broken, given: str) -> str:
        def body() -> None:
            self.called[program.number] += 1
            raise NonRetriableError(f"broken {program.number}")

        try:
            await ctx.step.run(program.id, body)
        except StepError as error:
            return _stamp(given, program.number, error.message)
        return "not broken"

    async def _awaited(self, run: Run, given: str) -> str:
        for _ in range(run.number % 3 if run.body == "turns" else 0):
            await asyncio.sleep(0)
        return self._plain(run, given)

    def _plain(self, run: Run, given: str) -> str:
        output = _stamp(given, run.number)
        self.called[run.number] += 1
        if any(step.output == json.dumps(output) for step in list(self._journal.steps.values())):
            self.again.append(run.number)
        if self.called[run.number] <= run.failures:
            raise OSError("no connection")
        return output


def _stamp(*parts: object) -> str:
    """A text that tells whether anything before it, or its order, was different."""
    return f"{zlib.crc32(repr(parts).encode()):08x}"


def _numbered(program: Program, numbers: Iterator[int]) -> Program:
    if isinstance(program, Sequence | Parallel):
        return replace(program, parts=[_numbered(part, numbers) for part in program.parts])
    return replace(program, number=next(numbers))
