"""Short lives of runs, which together meet all that a run can meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tarry import Context, Event, EventMatch, StepError
from tests.functional.contract.diary import Diary

__all__ = ["ANSWERS", "STORIES", "Story"]

EITHER = "async.data.id == event.data.id || async.data.all == true"

Tell = Callable[[Context, Diary], Awaitable[str]]


@dataclass(frozen=True)
class Story:
    """One function, which may invoke ``pack``, and what comes to pass: ``events`` are sent one after the other, with
    ``pause`` after each. Each is an event's id: its name, and behind a ``#`` what tells it from others of the name.

    The pause is long enough for a dead executor's message to come back, so the next event meets the living.
    ``meanwhile`` are sent together with the first: who dies decides whom they meet. ``rest`` is what is left of the
    time once the last pause is over. ``afterwards`` are sent then, and meet the living in any case.
    """

    tell: Tell
    output: str
    bodies: tuple[str, ...]
    events: tuple[str, ...] = ()
    meanwhile: tuple[str, ...] = ()
    pause: str = "20m"
    rest: str = "0s"
    afterwards: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    pack: Tell | None = None

    def hastened(self, pause: str, rest: str) -> Story:
        """The same with all its events, and so short a pause between two, that they come while a message is away."""
        return replace(self, events=(*self.meanwhile, *self.events), meanwhile=(), pause=pause, rest=rest)


async def steps(ctx: Context, diary: Diary) -> str:
    await ctx.step.run("pack", diary.write, "pack")
    await ctx.step.send_event("tell", Event("order/packed", {"id": "7"}))
    await ctx.step.run("ship", diary.write, "ship")
    return "shipped"


async def retry(ctx: Context, diary: Diary) -> str:
    """A step fails once, then the function itself does."""

    async def label() -> str:
        await diary.write(f"label {ctx.attempt}")
        if ctx.attempt == 0:
            raise ConnectionError
        return "labelled"

    labelled = await ctx.step.run("label", label)
    if ctx.attempt == 0:
        raise ConnectionError
    return labelled


async def wait_late(ctx: Context, diary: Diary) -> str:
    """The events may be in the log before the waits are registered, or after."""
    await ctx.step.run("bill", diary.write, "bill")
    events = [
        await ctx.step.wait_for_event(name, event=f"order/{name}", if_exp=EITHER, timeout="2h", lookback="1d")
        for name in ("paid", "packed")
    ]
    return " ".join(event.id for event in events if event)


async def wait_in_vain(ctx: Context, diary: Diary) -> str:
    event = await ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="1h")
    await ctx.step.run("remind", diary.write, "remind")
    return event.id if event else "in vain"


async def side_by_side(ctx: Context, diary: Diary) -> str:
    paid, packed = await asyncio.gather(
        ctx.step.wait_for_event("paid", event="order/paid", if_exp=EITHER, timeout="2h"),
        ctx.step.wait_for_event("packed", event="order/packed", match="data.id", timeout="2h"),
    )
    await ctx.step.run("ship", diary.write, "ship")
    return " ".join(event.id for event in (paid, packed) if event)


async def first_of_two(ctx: Context, diary: Diary) -> str:
    """One wait for two names, one of them by two keys; what comes later finds nothing of it."""
    await ctx.step.run("bill", diary.write, "bill")
    waits = [EventMatch("order/paid", EITHER), EventMatch("order/packed", match="data.id")]
    event = await ctx.step.wait_for_first("first", waits, timeout="2h")
    await ctx.step.run("ship", diary.write, "ship")
    return event.id if event else "in vain"


async def collect(ctx: Context, diary: Diary) -> str:
    await ctx.step.run("bill", diary.write, "bill")
    events = await ctx.step.wait_for_events("paid", event="order/paid", if_exp=EITHER, count=3, timeout="2h")
    await ctx.step.run("ship", diary.write, "ship")
    return " ".join(sorted(event.id for event in events))


async def approvals(ctx: Context, diary: Diary) -> str:
    """One event asks for two answers, which come in the other order than they are waited for."""
    await ctx.step.send_event("ask", Event("order/asked", {"id": "7"}))
    names = ("legal", "finance")
    events = [
        await ctx.step.wait_for_event(name, event=f"order/{name}", match="data.id", timeout="2h") for name in names
    ]
    await ctx.step.run("ship", diary.write, "ship")
    return " ".join(event.id for event in events if event)


async def invoke_and_wait(ctx: Context, diary: Diary) -> str:
    """What is invoked asks, and the answer is an event."""
    await ctx.step.invoke_by_id("pack", function_id="pack", data={"id": "7"}, timeout="3h")
    event = await ctx.step.wait_for_event("packed", event="order/packed", match="data.id", timeout="2h")
    await ctx.step.run("ship", diary.write, "ship")
    return event.id if event else "in vain"


async def race(ctx: Context, diary: Diary) -> str:
    """A wait wins; the losers wait by two keys, sleep, and are tried again."""

    async def paid() -> str:
        event = await ctx.step.wait_for_event("paid", event="order/paid", if_exp=EITHER, timeout="2h")
        return event.id if event else "in vain"

    async def packed() -> str:
        await ctx.step.wait_for_event("packed", event="order/packed", if_exp=EITHER, timeout="2h")
        await ctx.step.run("deliver", diary.write, "deliver")
        return "packed"

    async def slept() -> str:
        await ctx.step.sleep("sleep", "2h")
        return "slept"

    won = await ctx.group.race([paid, packed, slept])
    await ctx.step.run("ship", diary.write, "ship")
    late = await ctx.step.wait_for_event("late", event="order/late", match="data.id", timeout="2h")
    return f"{won} {late.id if late else 'in vain'}"


async def invoke(ctx: Context, diary: Diary) -> str:
    packed: str = await ctx.step.invoke_by_id("pack", function_id="pack", data={"id": "7"}, timeout="3h")
    await ctx.step.run("ship", diary.write, "ship")
    return packed


async def invoke_in_vain(ctx: Context, diary: Diary) -> str:
    """The function ends long after nobody waits for it any more."""
    try:
        await ctx.step.invoke_by_id("pack", function_id="pack", timeout="2m")
    except StepError as error:
        await ctx.step.run("remind", diary.write, error.name)
    await ctx.step.sleep("rest", "5h")
    return "in vain"


async def pack(ctx: Context, diary: Diary) -> str:
    await ctx.step.run("pack", diary.write, f"pack {ctx.event.data['id']}")
    return "packed"


async def pack_slowly(ctx: Context, diary: Diary) -> str:
    await ctx.step.sleep("rest", "2h")
    return await diary.write("packed")


STORIES = {
    "steps": Story(steps, "shipped", ("pack", "ship"), sends=("order/packed",)),
    "retry": Story(retry, "labelled", ("label 0", "label 1")),
    "wait late": Story(wait_late, "order/paid order/packed", ("bill",), meanwhile=("order/paid", "order/packed")),
    "wait in vain": Story(wait_in_vain, "in vain", ("remind",), pause="3h"),
    "first of two": Story(first_of_two, "order/packed", ("bill", "ship"), events=("order/packed", "order/paid")),
    "collect": Story(
        collect,
        "order/paid order/paid#2 order/paid#3",
        ("bill", "ship"),
        events=("order/paid", "order/paid#2", "order/paid#3"),
    ),
    "race": Story(
        race, "order/paid order/late", ("ship",), events=("order/paid", "order/packed"), afterwards=("order/late",)
    ),
    "invoke": Story(
        invoke,
        "packed",
        ("pack 7", "ship"),
        sends=("tarry/function.invoked", "tarry/function.finished"),
        pack=pack,
    ),
    "invoke in vain": Story(
        invoke_in_vain,
        "in vain",
        ("InvokeTimeoutError", "packed"),
        sends=("tarry/function.invoked", "tarry/function.finished"),
        pack=pack_slowly,
        pause="8h",
    ),
    "side by side": Story(side_by_side, "order/paid order/packed", ("ship",), events=("order/paid", "order/packed")),
}

ANSWERS = {
    "approvals": Story(
        approvals,
        "order/legal order/finance",
        ("ship",),
        events=("order/finance", "order/legal"),
        sends=("order/asked",),
    ),
    "invoke and wait": Story(
        invoke_and_wait,
        "order/packed",
        ("pack 7", "ship"),
        events=("order/packed",),
        sends=("tarry/function.invoked", "tarry/function.finished"),
        pack=pack,
    ),
}
"""Stories of a step that asks, and of the answers: for events that come while a message is away."""
