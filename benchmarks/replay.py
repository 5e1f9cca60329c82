"""What it costs to replay: a kept step, one after the other and side by side, and a suspension; wall and CPU time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tarry import App, Context, ContextSync, Event, Function, TriggerEvent
from tarry_backend.replay import InvokeRequest, Paused, Replayed, Step, Wait, WaitRequest, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry_backend.replay import Journal

_SIZES = (10, 100, 1_000)
_WIDTHS = (10, 100, 500)
_REPEATS = 15
_RUN = Replayed("run", Event("started", id="start", ts=0), received_at=0)


class _Shelf:
    """A journal that keeps steps in memory, so that nothing but the replay is measured."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}

    def now(self) -> int:
        return 1

    def begins(self) -> int:
        return self.now()

    def out_of_time(self) -> bool:
        return False

    def time_left(self) -> tuple[int, int]:
        return 900_000, 900_000

    def has_room(self, span: int) -> bool:
        return True

    def is_cancelled(self) -> bool:
        return False

    def keep(self, step: Step) -> None:
        self.steps[step.key] = step

    def withdraw(self, step: Step) -> None:
        self.keep(step)

    def lose(self, step: Step) -> None:
        raise NotImplementedError

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        wait = Wait(
            event_name=request.event_name,
            expression=None,
            since=request.since,
            deadline=request.deadline,
            alternatives=(),
        )
        step = replace(step, wait=wait, due=request.deadline)
        self.keep(step)
        return step

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        raise NotImplementedError

    def open_signal(self, step: Step) -> Step:
        raise NotImplementedError

    def send(self, events: Sequence[Event]) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Cost:
    """Milliseconds of one replay: the least of several, which is the one that nothing else disturbed."""

    wall: float
    cpu: float

    def per(self, count: int, base: _Cost) -> str:
        return f"{(self.wall - base.wall) / count * 1000:7.1f} us, CPU {(self.cpu - base.cpu) / count * 1000:6.1f} us"

    def __str__(self) -> str:
        return f"{self.wall:8.2f} ms, CPU {self.cpu:8.2f} ms"


def main() -> None:
    """Prints what a replay of so many kept steps costs for each face, and then what an empty one does."""
    for face, in_sequence, side_by_side in (
        ("async def", _in_sequence, _side_by_side),
        ("def", _in_sequence_sync, _side_by_side_sync),
    ):
        returned = _cost(in_sequence, 0, waits=False)
        suspended = _cost(in_sequence, 0, waits=True)
        print(f"{face:9} returns at once      {returned}")
        print(f"{face:9} waits at once        {suspended}   a suspension {suspended.per(1, returned)}")
        for name, handler, sizes in (("in sequence", in_sequence, _SIZES), ("side by side", side_by_side, _WIDTHS)):
            for size in sizes:
                cost = _cost(handler, size, waits=True)
                print(f"{face:9} {size:5} {name:14} {cost}   a kept step  {cost.per(size, suspended)}")


def shelf() -> Journal:
    """Return a journal that stores nothing but in memory."""
    return _Shelf()


def _cost(handler: Callable[..., Any], size: int, *, waits: bool) -> _Cost:
    function = _function(partial(handler, size=size, waits=waits))
    shelf = _Shelf()
    replay(function, _RUN, [], shelf, max_steps=size + 1)
    kept = list(shelf.steps.values())
    assert len(kept) == size + waits
    return min((_once(function, kept, shelf, waits=waits) for _ in range(_REPEATS)), key=lambda cost: cost.wall)


def _once(function: Function, kept: list[Step], shelf: _Shelf, *, waits: bool) -> _Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = replay(function, _RUN, kept, shelf)
    cost = _Cost(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))
    assert isinstance(outcome, Paused) == waits
    return cost


def _function(handler: Callable[..., Any]) -> Function:
    return App("bench").create_function(fn_id="bench", trigger=TriggerEvent("started"))(handler)


async def _in_sequence(ctx: Context, *, size: int, waits: bool) -> None:
    for number in range(size):
        await ctx.step.run(f"step {number}", _body, number)
    if waits:
        await ctx.step.wait_for_event("wait", event="paid", timeout="1d")


def _in_sequence_sync(ctx: ContextSync, *, size: int, waits: bool) -> None:
    for number in range(size):
        ctx.step.run(f"step {number}", int, number)
    if waits:
        ctx.step.wait_for_event("wait", event="paid", timeout="1d")


async def _side_by_side(ctx: Context, *, size: int, waits: bool) -> None:
    await ctx.group.parallel([partial(ctx.step.run, f"step {number}", _body, number) for number in range(size)])
    await _in_sequence(ctx, size=0, waits=waits)


def _side_by_side_sync(ctx: ContextSync, *, size: int, waits: bool) -> None:
    ctx.group.parallel([partial(ctx.step.run, f"step {number}", int, number) for number in range(size)])
    _in_sequence_sync(ctx, size=0, waits=waits)


async def _body(number: int) -> int:
    return number
