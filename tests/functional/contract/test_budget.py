"""What a run costs: each call to AWS of each Lambda, counted, against the table below.

The table is the documentation. What is not in it is not called.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from tarry import (
    App,
    Batch,
    Cancel,
    Concurrency,
    Context,
    Debounce,
    Event,
    EventMatch,
    RateLimit,
    Singleton,
    StepError,
    Throttle,
    Timeouts,
    TriggerEvent,
)
from tarry_dev.cloud import Call, Host
from tarry_dev.cloud.clock import Clock

COSTS: dict[str, dict[str, dict[str, int]]] = {
    # A batch of events, and each name in it: the log is written, then it is read what is known of the name; before
    # that, too, if it was not in the last minute. (Here the Lambdas share a process, and what it has read.)
    "events": {"matcher": {"BatchWriteItem": 1}},
    "event name": {"matcher": {"GetItem": 1}},
    "name not read lately": {"matcher": {"GetItem": 1}},
    # Ten starts, or ten resumes of one page of waits, share a request. Each shape of the name is a query.
    "starts": {"matcher": {"SendMessageBatch": 1}},
    "shape": {"matcher": {"Query": 1}},
    "matches": {"matcher": {"SendMessageBatch": 1}},
    # What a function does, in the executor. A new run is written and not read.
    "start": {"executor": {"PutItem": 1}},
    "start with an idempotency value": {"executor": {"TransactWriteItems": 1}},
    "value that has started a run": {"executor": {"TransactWriteItems": 1, "PutItem": 1}},
    # A throttle: its next time is moved on, by a second form if that lies ahead; then the run is written again.
    "time to begin": {"executor": {"UpdateItem": 1}},
    "time to begin that lies ahead": {"executor": {"UpdateItem": 2, "PutItem": 1}},
    # A singleton: it is read, and written with the run; of one that has had a run, that run is read. The end frees it.
    "start of a singleton": {"executor": {"GetItem": 1, "TransactWriteItems": 1}},
    "end of a singleton": {"executor": {"UpdateItem": 1}},
    "event that is skipped": {"executor": {"GetItem": 2, "PutItem": 1}},
    # A rate limit: the limiter is read, and written with the run. An event that is limited leaves a trace.
    "start with a rate limit": {"executor": {"GetItem": 1, "TransactWriteItems": 1}},
    "event that is limited": {"executor": {"GetItem": 1, "PutItem": 1}},
    "step": {"executor": {"PutItem": 1}},
    "send": {"executor": {"PutEvents": 1, "PutItem": 1}},
    "wait": {"executor": {"PutItem": 1, "Query": 1, "SendMessageBatch": 1}},
    "wait that the log answers": {"executor": {"PutItem": 2, "Query": 1}},
    "wait's name not read lately": {"executor": {"GetItem": 1}},
    "shape that is new": {"executor": {"UpdateItem": 1}},
    "further keys": {"executor": {"BatchWriteItem": 1}},
    "sleep": {"executor": {"PutItem": 1}},
    "failure": {"executor": {"PutItem": 1}},
    # A step that runs at most once is noted before each attempt of its body.
    "note of a step that runs at most once": {"executor": {"PutItem": 1}},
    # The mark of a patch, once a run and id. A run that is past the place stores none.
    "mark of a patch": {"executor": {"PutItem": 1}},
    # A run that is continued: its end, its successor and the chain's newest run in one write, then a message to it.
    "hand-over": {"executor": {"TransactWriteItems": 1, "SendMessageBatch": 1}},
    # The end of a chain's last run: the chain's item may go with it.
    "chain's end": {"executor": {"BatchWriteItem": 1}},
    # A wait for a signal: the step, then its mailbox. It takes what is kept: the step again, and the mailbox is freed.
    "signal waited for": {"executor": {"PutItem": 2, "GetItem": 1}},
    "signal that is kept": {"executor": {"PutItem": 2, "GetItem": 1}},
    # The run and the mailbox are read, the step is kept, the mailbox freed. At a deadline it is read once.
    "signal given": {"executor": {"Query": 1, "GetItem": 2, "PutItem": 2}},
    "signal's deadline": {"executor": {"GetItem": 1, "PutItem": 2}},
    "signal withdrawn": {"executor": {"GetItem": 1, "PutItem": 1}},
    "timer within three minutes": {"executor": {"SendMessageBatch": 1}},
    # What guards a run costs what a wait and a sleep do. Its end by an event looks into no log: any event will do.
    "cancel": {"executor": {"PutItem": 1, "Query": 1, "SendMessageBatch": 1}},
    "time to finish": {"executor": {"PutItem": 1}},
    "cancelled": {"executor": {"Query": 1}},
    # After a second of work, before the next step: whether somebody has asked for the run's end, and each cancel's log.
    "look at the mark": {"executor": {"GetItem": 1}},
    "look for a cancel": {"executor": {"Query": 1}},
    # A limit: a place is taken before the replay and given back after it. A gate's first use makes its item.
    "place": {"executor": {"UpdateItem": 2}},
    "place kept for the run": {"executor": {"UpdateItem": 1}},
    "place given back": {"executor": {"UpdateItem": 1}},
    "limit that is new": {"executor": {"UpdateItem": 1}},
    # Whether people have paused the function, or given it another limit: at most each ten seconds in a process.
    "control not read lately": {"executor": {"GetItem": 1}},
    # It is full: the run stands in line, and notes that it waits. Who leaves admits the first one in line, which takes
    # its place as any message of a run does. Who leaves as the last finds nobody in line, and notes it.
    "limit that is full": {"executor": {"UpdateItem": 3}},
    "next one admitted": {"executor": {"Query": 1, "UpdateItem": 1, "SendMessageBatch": 1, "DeleteItem": 1}},
    "admitted": {"executor": {"Query": 1}},
    "nobody in line": {"executor": {"Query": 1, "UpdateItem": 1}},
    # While runs wait, the sweep has each such gate looked at; of a run that keeps its place, its item is read.
    # A debounce: where the event is, then its window. The window's first event may send a timer. At its end the window
    # is read, and fires: noted as firing, the log read, noted for receipts, the start sent, no longer firing.
    "event of a debounce": {"matcher": {"UpdateItem": 2}},
    # A batch: it is read, then whether its event has a trace; then the event is added. At its start it is closed, each
    # event gets its trace, the first is read, the start is sent, and that is noted. The executor reads its events.
    "event of a batch": {"matcher": {"GetItem": 1, "BatchGetItem": 1, "UpdateItem": 1}},
    "batch of two that starts": {
        "matcher": {"UpdateItem": 2, "PutItem": 2, "Query": 1, "SendMessageBatch": 1},
        "executor": {"BatchGetItem": 1, "PutItem": 1},
    },
    "time of a batch": {"timers": {"SendMessageBatch": 1}, "matcher": {"GetItem": 1}},
    "timer of a window": {"matcher": {"SendMessageBatch": 1}},
    "window's end": {
        "timers": {"SendMessageBatch": 1},
        "matcher": {"GetItem": 1, "PutItem": 3, "Query": 1, "SendMessageBatch": 1},
    },
    "window that was prolonged": {
        "timers": {"SendMessageBatch": 1},
        "matcher": {"GetItem": 1, "PutItem": 1, "SendMessageBatch": 1},
    },
    "gate looked at": {"timers": {"SendMessageBatch": 1}, "executor": {"UpdateItem": 1}},
    "run that keeps a place": {"executor": {"GetItem": 1}},
    # What goes on by itself, and what wakes a run. A deadline looks into the log since the wait's beginning; where the
    # wait's shape was new then, by name and by key.
    "settle": {"timers": {"GetItem": 1, "Query": 1}},
    "minute sweep": {"sweep": {"GetItem": 1, "Query": 8, "PutItem": 1}},
    "found by the sweep": {"sweep": {"SendMessageBatch": 1}},
    "due": {"timers": {"SendMessageBatch": 1}},
    "deadline": {"matcher": {"SendMessageBatch": 1}, "executor": {"Query": 2, "PutItem": 1}},
    "shape was new when the wait began": {"executor": {"Query": 1}},
    "wake": {"executor": {"Query": 1}},
    # The run is read, and the log, since an earlier event may have been overtaken.
    "resume": {"executor": {"Query": 2, "PutItem": 1}},
    "further keys removed": {"executor": {"BatchWriteItem": 1}},
    # A wait for the first of several events looks into the log of each of their names; its other keys are further ones.
    "further name of a wait": {"executor": {"Query": 1}},
    "further name at its settle": {"timers": {"Query": 1}},
    "further name at its resume": {"executor": {"Query": 1}},
    # A race's losers, one by one.
    "withdrawn": {"executor": {"PutItem": 1}},
    # An invocation is an event like others, and a step. The function's end sends its caller a message; who gets it
    # reads its own run, then of the function's run the one item. So does a deadline.
    "invoke": {"executor": {"PutEvents": 1, "PutItem": 1}},
    "answer": {"executor": {"SendMessageBatch": 1}},
    "returned": {"executor": {"Query": 1, "GetItem": 1, "PutItem": 1}},
    "invocation times out": {"executor": {"GetItem": 1, "PutItem": 1}},
    # An event that asks for a run to be cancelled: a mark, and a message.
    "asked to cancel": {"matcher": {"BatchWriteItem": 1, "SendMessageBatch": 1}},
    # The end: the run, its announcement in the log, then whether something hears it. If something does, and if the run
    # failed or was cancelled, the announcement is an event like others instead. Only open steps are written, by 25.
    "finish": {"executor": {"PutItem": 1, "BatchWriteItem": 1, "GetItem": 1}},
    "end that goes over the bus": {"executor": {"PutItem": 1, "PutEvents": 1}},
    "finish's name not read lately": {"executor": {"GetItem": 1}},
    "open steps withdrawn": {"executor": {"BatchWriteItem": 1}},
    # A run that waits for more than 15 days, or lives longer: its ended steps lose their leases, and get new ones at
    # its end, by 25.
    "leases removed": {"executor": {"BatchWriteItem": 1}},
    "leases given at the end": {"executor": {"BatchWriteItem": 1}},
}

CLOCK: ContextVar[Clock] = ContextVar("clock")

EITHER = "async.data.id == event.data.id || async.data.all == true"
ANNOUNCED = ["events", "event name", "name not read lately"]
ENDED = ["finish", "finish's name not read lately"]
ENDED_AGAIN = ["finish"]
ENDED_LOUDLY = ["end that goes over the bus", *ANNOUNCED]
CUT_OFF = [*ENDED_LOUDLY, "open steps withdrawn"]


@dataclass(frozen=True)
class Bill:
    """A function, and what comes to pass one after the other: an event's name or a time, and what that costs."""

    handler: Callable[[Context], Awaitable[Any]]
    items: list[tuple[str, list[str]]]
    options: dict[str, Any] = field(default_factory=dict)


async def say(what: str) -> str:
    return what


async def nothing(ctx: Context) -> None:
    """Returns at once."""


async def thirty_steps(ctx: Context) -> None:
    for _ in range(30):
        await ctx.step.run("say", say, "a")


async def send(ctx: Context) -> None:
    await ctx.step.send_event("tell", [Event("told"), Event("told"), Event("told too")])


async def wait(ctx: Context) -> None:
    await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="1h")
    await ctx.step.run("say", say, "paid")


async def wait_long(ctx: Context) -> None:
    for number in range(30):
        await ctx.step.run(f"say {number}", say, "a")
    await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="366d")
    await ctx.step.run("say", say, "paid")


async def wait_for_either(ctx: Context) -> None:
    await ctx.step.wait_for_event("wait", event="paid", if_exp=EITHER, timeout="1h")


async def wait_again(ctx: Context) -> None:
    for _ in range(2):
        await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="1h", lookback="1h")


async def wait_briefly(ctx: Context) -> None:
    await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="90s")


async def wait_in_vain(ctx: Context) -> None:
    await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="1h")


async def wait_for_an_end(ctx: Context) -> None:
    await ctx.step.wait_for_event("wait", event="tarry/function.finished", match="data.id", timeout="90s")


async def sleep(ctx: Context) -> None:
    await ctx.step.sleep("rest", "1m")


async def sleep_long(ctx: Context) -> None:
    await ctx.step.sleep("rest", "1h")


async def wait_for_signals(ctx: Context) -> None:
    for _ in range(3):
        await ctx.step.wait_for_signal("go", signal="go", timeout="1h")


async def fail_once(ctx: Context) -> None:
    async def fail() -> None:
        if ctx.attempt == 0:
            raise ValueError

    await ctx.step.run("fail", fail)


async def charge_once(ctx: Context) -> None:
    await ctx.step.with_options(timeout="1m", backoff=["1s"]).run("say", say, "paid")
    await ctx.step.with_options(at_most_once=True, timeout="1m", backoff=["1s"]).run("charge", say, "paid")


async def continued(ctx: Context) -> None:
    await ctx.step.run("one", asyncio.sleep, 0)
    if "again" not in ctx.event.data:
        await ctx.continue_as_new({"again": True})


async def patched(ctx: Context) -> None:
    for _ in range(3):
        if await ctx.patched("check stock"):
            await ctx.step.run("say", say, "checked")


async def wait_for_first(ctx: Context) -> None:
    matches = [EventMatch("paid", match="data.id"), EventMatch("packed", match="data.id")]
    await ctx.step.wait_for_first("wait", matches, timeout="1h")


async def race(ctx: Context) -> None:
    await ctx.group.race(
        [
            lambda: ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1h"),
            lambda: ctx.step.wait_for_event("packed", event="packed", match="data.id", timeout="1h"),
            lambda: ctx.step.sleep("rest", "1h"),
        ]
    )


async def long_steps(ctx: Context) -> None:
    clock = CLOCK.get()
    for _ in range(3):
        await ctx.step.run("work", clock.move_to, clock.now() + 1_500)


async def all_at_once(ctx: Context) -> None:
    """What stays open while something else goes on costs nothing."""
    await asyncio.gather(
        ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1h"),
        ctx.step.wait_for_event("packed", event="packed", match="data.id", timeout="1h"),
        ctx.step.sleep("rest", "1h"),
        ctx.step.run("say", say, "a"),
    )


async def invoke(ctx: Context) -> None:
    await ctx.step.invoke_by_id("pack", function_id="pack")


async def invoke_in_vain(ctx: Context) -> None:
    with suppress(StepError):
        await ctx.step.invoke_by_id("rest", function_id="rest", timeout="90s")


BEGUN = ["events", "event name", "name not read lately", "starts", "start"]
BEGUN_AGAIN = ["events", "event name", "starts", "start"]
FIRST_WAIT = ["wait's name not read lately", "shape that is new"]
HEARD = ["events", "event name", "shape", "matches", "resume"]
LATE_DEADLINE = ["deadline", "wait's name not read lately", "shape was new when the wait began"]
CANCELLED = ["events", "event name", "name not read lately", "shape", "matches", "cancelled"]

BILLS = {
    "nothing": Bill(nothing, [("other", ANNOUNCED), ("placed", [*BEGUN, "finish", "finish's name not read lately"])]),
    "thirty steps": Bill(thirty_steps, [("placed", [*BEGUN, *["step"] * 30, *ENDED])]),
    "send": Bill(send, [("placed", [*BEGUN, "send", *ENDED, "events", *["event name", "name not read lately"] * 2])]),
    "wait": Bill(
        wait,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "wait"]),
            ("1m", ["settle"]),
            ("paid", [*HEARD, "name not read lately", "step", *ENDED]),
        ],
    ),
    "wait long": Bill(
        wait_long,
        [
            ("placed", [*BEGUN, *["step"] * 30, *["leases removed"] * 2, *FIRST_WAIT, "wait"]),
            ("1m", ["settle"]),
            ("paid", [*HEARD, "name not read lately", "step", *ENDED, *["leases given at the end"] * 2]),
        ],
    ),
    "a second run": Bill(
        wait_in_vain,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "wait"]),
            ("placed", [*BEGUN_AGAIN, "wait"]),
            ("unrelated paid", ["events", "event name", "shape"]),
            ("paid", [*HEARD, "resume", *ENDED, *ENDED_AGAIN]),
        ],
    ),
    "wait for either": Bill(
        wait_for_either,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "shape that is new", "further keys", "wait"]),
            ("paid", [*HEARD, "further keys removed", *ENDED, "further keys removed"]),
        ],
    ),
    "wait that the log answers": Bill(
        wait_again,
        [
            ("paid", ["events", "event name", "name not read lately"]),
            ("placed", [*BEGUN, "shape that is new", "wait that the log answers", "wait"]),
        ],
    ),
    "wait briefly in vain": Bill(
        wait_briefly,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "wait"]),
            ("1m", ["settle"]),
            ("2m", ["due", "deadline", "wait's name not read lately", *ENDED]),
        ],
    ),
    "wait for an end": Bill(
        wait_for_an_end,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "wait"]),
            ("1m", ["settle"]),
            ("2m", ["due", "deadline", "wait's name not read lately", *ENDED_LOUDLY[:-1]]),
        ],
    ),
    "wait in vain": Bill(
        wait_in_vain,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "wait"]),
            ("2h", ["settle", "minute sweep", "found by the sweep", "due", *LATE_DEADLINE, *ENDED]),
        ],
    ),
    "idempotency": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN[:-1], "start with an idempotency value", "sleep"]),
            ("placed", [*BEGUN_AGAIN[:-1], "value that has started a run"]),
        ],
        {"idempotency": "event.data.id"},
    ),
    "throttle": Bill(
        nothing,
        [
            ("placed", [*BEGUN, "time to begin", *ENDED]),
            ("placed", [*BEGUN_AGAIN, "time to begin that lies ahead", "timer within three minutes"]),
            ("2m", ["due", "wake", *ENDED]),
        ],
        {"throttle": Throttle(1, "90s")},
    ),
    "singleton": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN[:-1], "start of a singleton", "sleep"]),
            ("placed", [*BEGUN_AGAIN[:-1], "event that is skipped"]),
        ],
        {"singleton": Singleton("skip", key="event.data.id")},
    ),
    "singleton that ends": Bill(
        nothing,
        [("placed", [*BEGUN[:-1], "start of a singleton", "end of a singleton", *ENDED])],
        {"singleton": Singleton("cancel", key="event.data.id")},
    ),
    "rate limit": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN[:-1], "start with a rate limit", "sleep"]),
            ("placed", [*BEGUN_AGAIN[:-1], "event that is limited"]),
        ],
        {"rate_limit": RateLimit(1, "1m", key="event.data.id")},
    ),
    "debounce": Bill(
        nothing,
        [
            ("placed", ["events", "event name", "name not read lately", "event of a debounce", "timer of a window"]),
            ("placed", ["events", "event name", "event of a debounce"]),
            ("50s", []),
            ("placed", ["events", "event name", "event of a debounce"]),
            ("1m50s", ["window that was prolonged", "window's end", "start", "look at the mark", *ENDED]),
        ],
        {"debounce": Debounce("1m", key="event.data.id")},
    ),
    "batch": Bill(
        nothing,
        [
            ("placed", ["events", "event name", "name not read lately", "event of a batch", "timer of a window"]),
            (
                "placed",
                [
                    *["events", "event name", "event of a batch", "batch of two that starts"],
                    *ENDED,
                ],
            ),
            ("2m", ["time of a batch"]),
        ],
        {"batch_events": Batch(2, "1m", key="event.data.id")},
    ),
    "sleep": Bill(
        sleep,
        [
            ("placed", [*BEGUN, "sleep", "timer within three minutes"]),
            ("2m", ["due", "wake", "sleep", *ENDED]),
        ],
    ),
    "sleep long": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN, "sleep"]),
            ("2h", ["minute sweep", "found by the sweep", "due", "wake", "sleep", *ENDED]),
        ],
    ),
    "signals": Bill(
        wait_for_signals,
        [
            ("signal", []),
            ("placed", [*BEGUN, "signal waited for", "signal that is kept", "signal waited for"]),
            ("signal", ["signal given", "signal waited for"]),
            ("2h", ["minute sweep", "found by the sweep", "due", "wake", "signal's deadline", *ENDED]),
        ],
    ),
    "signal withdrawn": Bill(
        wait_for_signals,
        [
            ("placed", [*BEGUN, "signal waited for"]),
            ("cancel", ["wake", "signal withdrawn", *CUT_OFF]),
        ],
    ),
    "fail once": Bill(
        fail_once,
        [
            ("placed", [*BEGUN, "failure", "timer within three minutes"]),
            ("1m", ["due", "wake", "step", *ENDED]),
        ],
    ),
    "at most once": Bill(
        charge_once, [("placed", [*BEGUN, "step", "note of a step that runs at most once", "step", *ENDED])]
    ),
    "continued": Bill(continued, [("placed", [*BEGUN, "step", "hand-over", "wake", "step", *ENDED, "chain's end"])]),
    "patched": Bill(patched, [("placed", [*BEGUN, "mark of a patch", *["step"] * 3, *ENDED])]),
    "wait for first": Bill(
        wait_for_first,
        [
            ("placed", [*BEGUN, *FIRST_WAIT * 2, "further name of a wait", "further keys", "wait"]),
            ("1m", ["settle", "further name at its settle"]),
            (
                "packed",
                [
                    *[*HEARD, "name not read lately", "further name at its resume", "wait's name not read lately"],
                    *["further keys removed", *ENDED, "further keys removed"],
                ],
            ),
        ],
    ),
    "race": Bill(
        race,
        [
            ("placed", [*BEGUN, *[*FIRST_WAIT, "wait"] * 2, "sleep"]),
            ("1m", ["settle", "settle"]),
            ("paid", [*HEARD, "name not read lately", "withdrawn", "withdrawn", *ENDED]),
        ],
    ),
    "cancel": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN, *FIRST_WAIT, "cancel", "sleep"]),
            ("1m", ["settle"]),
            ("paid", [*CANCELLED, *CUT_OFF]),
        ],
        {"cancel": Cancel("paid", match="data.id")},
    ),
    "cancelled by the app": Bill(
        sleep_long,
        [
            ("placed", [*BEGUN, "sleep"]),
            ("app.cancel", [*ANNOUNCED, "asked to cancel", "wake", *CUT_OFF]),
        ],
    ),
    "cancel that is not needed": Bill(
        nothing,
        [("placed", [*BEGUN, *FIRST_WAIT, "cancel", *ENDED, "open steps withdrawn"])],
        {"cancel": Cancel("paid", match="data.id")},
    ),
    "limit": Bill(
        sleep,
        [
            (
                "placed",
                [
                    *BEGUN,
                    "control not read lately",
                    "limit that is new",
                    "place",
                    "sleep",
                    "timer within three minutes",
                ],
            ),
            ("2m", ["due", "wake", "control not read lately", "place", "sleep", *ENDED]),
        ],
        {"concurrency": 1},
    ),
    "limit that is full": Bill(
        wait,
        [
            (
                "placed",
                [*BEGUN, "control not read lately", "limit that is new", "place kept for the run", *FIRST_WAIT, "wait"],
            ),
            ("placed", [*BEGUN_AGAIN, "limit that is full"]),
            (
                "2m",
                [
                    "settle",
                    "minute sweep",
                    "found by the sweep",
                    "gate looked at",
                    "control not read lately",
                    "run that keeps a place",
                ],
            ),
            (
                "paid",
                [
                    *[*HEARD, "name not read lately", "place kept for the run", "step", "place given back", *ENDED],
                    *["shape was new when the wait began"] * 2,
                    *["next one admitted", "admitted", "place kept for the run", "wait that the log answers"],
                    *["step", "place given back", "nobody in line", *ENDED_AGAIN],
                ],
            ),
        ],
        {"concurrency": Concurrency(1, hold="run")},
    ),
    "time to finish": Bill(
        nothing,
        [("placed", [*BEGUN, "time to finish", *ENDED, "open steps withdrawn"])],
        {"timeouts": Timeouts(start="1h", finish="1h")},
    ),
    "steps of a second": Bill(
        long_steps,
        [("placed", [*BEGUN, "step", "look at the mark", "step", "look at the mark", "step", *ENDED])],
    ),
    "steps of a second and a cancel": Bill(
        long_steps,
        [
            (
                "placed",
                [
                    *BEGUN,
                    *FIRST_WAIT,
                    "cancel",
                    *["step", "look at the mark", "look for a cancel"] * 2,
                    "step",
                    *ENDED,
                    "open steps withdrawn",
                ],
            )
        ],
        {"cancel": Cancel("paid", match="data.id")},
    ),
    "invoke": Bill(
        invoke,
        [
            (
                "placed",
                [
                    *[*BEGUN, "invoke"],
                    *[*BEGUN, "answer", "finish", "finish's name not read lately"],
                    *["returned", *ENDED_AGAIN],
                ],
            ),
        ],
    ),
    "invoke in vain": Bill(
        invoke_in_vain,
        [
            ("placed", [*BEGUN, "invoke", "timer within three minutes", *BEGUN, "sleep"]),
            ("2m", ["due", "wake", "invocation times out", *ENDED]),
        ],
    ),
    "all at once": Bill(
        all_at_once,
        [
            ("placed", [*BEGUN, *[*FIRST_WAIT, "wait"] * 2, "sleep", "step"]),
            ("1m", ["settle", "settle"]),
            ("paid", [*HEARD, "name not read lately"]),
            ("packed", [*HEARD, "name not read lately"]),
        ],
    ),
}


class Meter:
    """Counts the calls of each Lambda."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str, str]]()

    def __call__(self, call: Call) -> bool:
        self._counts[call.function, call.operation] += not call.answered
        return False

    def read(self) -> Counter[tuple[str, str]]:
        """The counts since the last reading."""
        counts, self._counts = +self._counts, Counter()
        return counts


def due_for(items: list[str]) -> Counter[tuple[str, str]]:
    total = Counter[tuple[str, str]]()
    for item in items:
        for function, calls in COSTS[item].items():
            for operation, count in calls.items():
                total[function, operation] += count
    return total


def happen(host: Host, what: str) -> None:
    match what.split():
        case ["unrelated", name]:
            host.send(name, {"id": "another"})
        case ["signal"]:
            host.signal("go", keep="1h")
        case ["app.cancel"]:
            host.cloud.app.cancel(host.run().id)
            host.cloud.pump()
        case ["cancel"]:
            host.cancel(host.run())
        case [time] if time[0].isdigit():
            host.advance(time)
        case _:
            host.send(what, {"id": "7"})


@pytest.mark.parametrize("name", BILLS)
def test_each_thing_costs_the_calls_of_the_table_and_no_others(app: App, host: Host, name: str) -> None:
    bill, meter = BILLS[name], Meter()
    app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), **bill.options)(bill.handler)
    CLOCK.set(host.cloud.clock)
    app.create_function(fn_id="pack", trigger=TriggerEvent(event="never"))(nothing)
    app.create_function(fn_id="rest", trigger=TriggerEvent(event="never"))(sleep_long)
    counted = []
    with host.cloud.dies(meter):
        for what, _ in bill.items:
            happen(host, what)
            counted.append((what, meter.read()))
    assert counted == [(what, due_for(items)) for what, items in bill.items]


def test_the_table_holds_what_is_promised() -> None:
    """A step is one write. A wait is one write, one read, one message. To resume is one read of the run, one of the log
    (or what a wait has would depend on which Lambda was faster), and one write."""
    executor = {item: costs["executor"] for item, costs in COSTS.items() if "executor" in costs}
    assert executor["step"] == {"PutItem": 1}
    assert executor["wait"] == {"PutItem": 1, "Query": 1, "SendMessageBatch": 1}
    assert executor["resume"] == {"Query": 2, "PutItem": 1}
    assert executor["start"] == {"PutItem": 1}


def test_all_of_the_table_is_used() -> None:
    assert {item for bill in BILLS.values() for _, items in bill.items for item in items} == set(COSTS)
