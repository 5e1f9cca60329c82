"""Middleware: which hook runs when, what it may change, and what becomes of its errors."""

import asyncio
import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from inspect import isawaitable
from typing import Any

import pytest

from tarry import (
    App,
    Context,
    Event,
    Middleware,
    MiddlewareError,
    NonRetriableError,
    RetryAfterError,
    StepError,
    StepInfo,
    TriggerEvent,
    UsageError,
)
from tarry.function import Function
from tarry_backend.replay import Failed, Finished, Paused, Status, Step
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, START, MemoryJournal, MemoryRun, durable, error_of, output_of

MakeMiddleware = Callable[[], Middleware]

HOOKS = {
    "transform_input",
    "before_execution",
    "after_execution",
    "before_step",
    "after_step",
    "transform_output",
    "restore_output",
    "before_send_events",
    "after_send_events",
}


class Scribe(Middleware):
    """Writes down under its name each hook that is called."""

    def __init__(self, name: str, book: list[str]) -> None:
        self._name = name
        self._book = book

    def transform_input(self, ctx: Any, function: Function) -> None:
        self._write(f"transform_input {function.id} {ctx.run_id}")

    async def before_execution(self) -> None:
        self._write("before_execution")

    def after_execution(self, status: str, error: BaseException | None) -> None:
        self._write(f"after_execution {status} {error!r}")

    def before_step(self, step: StepInfo) -> None:
        self._write(f"before_step {step.id} {step.kind} {step.attempt} {step.args} {dict(step.kwargs)}")

    async def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> None:
        self._write(f"after_step {step.id} {output!r} {error!r}")

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        self._write(f"transform_output {output!r} {step.id if step else 'of the function'}")
        return output

    async def restore_output(self, output: Any, step: StepInfo) -> Any:
        await asyncio.sleep(0)
        self._write(f"restore_output {output!r} {step.id}")
        return output

    async def before_send_events(self, events: Any) -> Any:
        self._write(f"before_send_events {[event.id for event in events]}")
        return events

    def after_send_events(self, events: Any, error: BaseException | None) -> None:
        self._write(f"after_send_events {[event.name for event in events]} {error!r}")

    def _write(self, what: str) -> None:
        self._book.append(f"{self._name} {what}")


class Encrypted(Middleware):
    """Outputs are kept upside down."""

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        return {"secret": json.dumps(output)[::-1]} if step else output

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        return json.loads(output["secret"][::-1]) if step.kind == "run" else output


def failing(hook: str, error: BaseException, times: int = 1000) -> MakeMiddleware:
    """A middleware of which one hook raises, so many times."""
    left = [error] * times

    def fails(self: Middleware, first: Any = None, *_: Any) -> Any:
        if left:
            raise left.pop()
        return first

    return type("Failing", (Middleware,), {hook: fails})


def run_of(handler: Any, *middleware: MakeMiddleware, **options: Any) -> MemoryRun:
    return MemoryRun(durable(handler, middleware=middleware, **options))


def test_hooks_come_in_their_order_the_apps_outside_of_the_functions(face: Face) -> None:
    book: list[str] = []

    async def ship(ctx: Context) -> str:
        book.append("function")
        await ctx.step.run("pack", pack, 1, by="hand")
        return "shipped"

    def pack(n: int, by: str) -> int:
        book.append("body")
        return n

    app = App("shop", middleware=[partial(Scribe, "A", book)])
    create = app.create_function(
        fn_id="ship", trigger=TriggerEvent(event=START.name), middleware=[partial(Scribe, "B", book)]
    )
    run = MemoryRun(create(face(ship)))
    run.replay()
    assert book == [
        "A transform_input ship run-1",
        "B transform_input ship run-1",
        "A before_execution",
        "B before_execution",
        "function",
        "A before_step pack run 0 (1,) {'by': 'hand'}",
        "B before_step pack run 0 (1,) {'by': 'hand'}",
        "body",
        "B transform_output 1 pack",
        "A transform_output 1 pack",
        "B after_step pack 1 None",
        "A after_step pack 1 None",
        "A restore_output 1 pack",
        "B restore_output 1 pack",
        "B transform_output 'shipped' of the function",
        "A transform_output 'shipped' of the function",
        "B after_execution finished None",
        "A after_execution finished None",
    ]


def test_at_a_replay_no_hook_of_a_kept_steps_body_runs_again(face: Face) -> None:
    book: list[str] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", lambda: 1)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    run = run_of(face(ship), partial(Scribe, "A", book))
    run.replay()
    assert book[-1] == "A after_execution paused None"
    book.clear()
    run.time_out("paid")
    assert book == [
        "A transform_input ship run-1",
        "A before_execution",
        "A restore_output 1 pack",
        "A restore_output None paid",
        "A transform_output None of the function",
        "A after_execution finished None",
    ]


def test_each_attempt_of_a_body_has_its_hooks_and_after_step_hears_the_error(face: Face) -> None:
    book: list[str] = []

    async def ship(ctx: Context) -> None:
        def pack() -> None:
            raise ValueError(ctx.attempt)

        await ctx.step.run("pack", pack)

    run = run_of(face(ship), partial(Scribe, "A", book), retries=1)
    run.replay()
    run.wake_after("1m")
    assert [line for line in book if "_step" in line] == [
        "A before_step pack run 0 () {}",
        "A after_step pack None ValueError(0)",
        "A before_step pack run 1 () {}",
        "A after_step pack None ValueError(1)",
    ]
    assert book[-1].startswith("A after_execution failed StepError(")
    assert not any("transform_output" in line for line in book)


def test_each_invocation_has_an_instance_of_its_own(face: Face) -> None:
    made: list[Middleware] = []

    class Counted(Middleware):
        def __init__(self) -> None:
            made.append(self)

    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    run = run_of(face(ship), Counted)
    run.replay()
    run.receive("paid")
    assert len(made) == len(set(map(id, made))) == 2


def test_what_is_kept_is_the_transformed_and_what_is_given_the_plain_at_once_and_over_a_replay(face: Face) -> None:
    given: list[Any] = []

    async def ship(ctx: Context) -> str:
        given.append(await ctx.step.run("pack", lambda: ["secret", 1]))
        paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return paid.id if paid else ""

    run = run_of(face(ship), Encrypted)
    run.replay()
    assert "secret\\" not in (run.step("pack").output or "")
    assert json.loads(run.step("pack").output or "") == {"secret": ']1 ,"terces"['}
    assert output_of(run.receive("paid", "e7")) == "e7"
    assert given == [["secret", 1], ["secret", 1]]


def test_transform_input_may_change_what_the_function_is_given(face: Face) -> None:
    class Decrypted(Middleware):
        async def transform_input(self, ctx: Any, function: Function) -> None:
            ctx.event = replace(ctx.event, data={"order": 8})
            ctx.bank = "a client"

    async def ship(ctx: Any) -> list[Any]:
        return [ctx.event.data, ctx.data, ctx.bank]

    assert output_of(run_of(face(ship), Decrypted).replay()) == [{"order": 8}, {"order": 8}, "a client"]


def test_the_functions_output_is_transformed_before_it_is_kept(face: Face) -> None:
    class Wrapped(Middleware):
        def transform_output(self, output: Any, step: StepInfo | None) -> Any:
            return output if step else {"wrapped": output}

    async def ship(ctx: Context) -> str:
        return await ctx.step.run("pack", lambda: "packed")

    assert output_of(run_of(face(ship), Wrapped).replay()) == {"wrapped": "packed"}


def test_events_may_be_changed_before_they_are_sent_and_their_ids_are_known_after(face: Face) -> None:
    book: list[Any] = []

    class Stamped(Middleware):
        def before_send_events(self, events: Any) -> Any:
            return [*(replace(event, user={"id": 3}) for event in events), Event("stamped")]

        def after_send_events(self, events: Any, error: BaseException | None) -> None:
            book.append([event.id for event in events])

    async def ship(ctx: Context) -> list[str]:
        return await ctx.step.send_event("tell", Event("sent"))

    run = run_of(face(ship), Stamped)
    ids = output_of(run.replay())
    assert [(event.name, event.user) for event in run.journal.sent] == [("sent", {"id": 3}), ("stamped", None)]
    assert book == [ids]
    run.journal.steps.clear()
    assert output_of(run.replay()) == ids, "the same at each attempt"


@pytest.mark.parametrize("hook", ["before_step", "after_step", "transform_output", "before_send_events"])
def test_a_hook_around_a_step_that_raises_fails_its_attempt_which_is_made_again(face: Face, hook: str) -> None:
    async def ship(ctx: Context) -> str:
        await ctx.step.send_event("tell", Event("sent"))
        return await ctx.step.run("pack", lambda: "packed")

    run = run_of(face(ship), failing(hook, KeyError("key"), times=1))
    assert run.replay() == Paused()
    [failed] = [step for step in run.journal.steps.values() if step.status is Status.RETRYING]
    assert failed.error is not None
    assert failed.error.name == "MiddlewareError"
    assert failed.error.message == f"middleware Failing.{hook} raised KeyError: 'key'"
    assert isinstance(run.wake_after("1m"), Finished)


def test_the_function_may_catch_what_a_hook_did_to_its_step(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        try:
            return await ctx.step.run("pack", lambda: "packed")
        except StepError as error:
            return error.name

    assert output_of(run_of(face(ship), failing("before_step", KeyError()), retries=0).replay()) == "MiddlewareError"


@pytest.mark.parametrize(
    "hook", ["transform_input", "before_execution", "restore_output", "transform_output", "after_execution"]
)
def test_a_hook_around_the_function_that_raises_fails_its_attempt_which_may_be_made_again(
    face: Face, hook: str
) -> None:
    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.sleep("not at all", 0)
        except Exception:
            return "swallowed"
        return "shipped"

    run = run_of(face(ship), failing(hook, KeyError("key"), times=1))
    outcome = run.replay()
    assert isinstance(outcome, Failed)
    assert not outcome.final
    assert outcome.error.name == "MiddlewareError"
    assert outcome.error.message == f"middleware Failing.{hook} raised KeyError: 'key'"
    assert isinstance(run.replay(), Finished)


def test_non_retriable_and_retry_after_errors_keep_their_meaning_and_say_whence(face: Face) -> None:
    async def ship(ctx: Context) -> None: ...

    outcome = run_of(face(ship), failing("before_execution", NonRetriableError("no key"))).replay()
    assert isinstance(outcome, Failed)
    assert (outcome.final, outcome.error.name) == (True, "NonRetriableError")
    assert "raised by middleware Failing.before_execution" in outcome.error.stack
    outcome = run_of(face(ship), failing("before_execution", RetryAfterError("later", 60))).replay()
    assert isinstance(outcome, Failed)
    assert outcome.pause(NOON) == 60_000


def test_of_two_middlewares_the_outer_one_leaves_what_it_entered_though_the_inner_fails(face: Face) -> None:
    book: list[str] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", lambda: None)

    run = run_of(
        face(ship),
        partial(Scribe, "A", book),
        failing("before_step", KeyError()),
        partial(Scribe, "C", book),
        retries=0,
    )
    run.replay()
    lines = [line for line in book if line[2:].startswith(("before_step", "after_step"))]
    assert lines[0] == "A before_step pack run 0 () {}"
    assert lines[1].startswith("A after_step pack None MiddlewareError(")
    assert len(lines) == 2


def test_the_functions_own_error_is_not_hidden_by_a_hooks(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        raise ValueError("no such card")

    error = error_of(run_of(face(ship), failing("after_execution", KeyError())).replay())
    assert (error.name, error.message) == ("ValueError", "no such card")


class Unreachable(MemoryJournal):
    """A journal that keeps nothing."""

    def keep(self, step: Step) -> None:
        raise ConnectionError("no table")


def test_after_execution_hears_that_the_replay_has_failed_if_its_journal_has(face: Face) -> None:
    book: list[str] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)

    made = durable(face(ship), middleware=[partial(Scribe, "A", book)])
    with pytest.raises(ConnectionError):
        MemoryRun(made, Unreachable()).replay()
    assert book[-1] == "A after_execution failed ConnectionError('no table')"


def test_an_error_of_the_journal_is_not_hidden_by_a_hooks(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)

    made = durable(face(ship), middleware=[failing("after_execution", KeyError())])
    with pytest.raises(ConnectionError, match="no table"):
        MemoryRun(made, Unreachable()).replay()


def test_a_pause_in_which_a_hook_raises_fails_the_attempt(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1d")

    run = run_of(face(ship), failing("after_execution", KeyError("key"), times=1))
    assert error_of(run.replay()).message == "middleware Failing.after_execution raised KeyError: 'key'"


def test_restore_output_knows_the_steps_attempt_and_times_and_whether_it_is_new(face: Face) -> None:
    seen: list[StepInfo] = []

    class Reader(Middleware):
        def restore_output(self, output: Any, step: StepInfo) -> Any:
            seen.append(step)
            return output

    failures = [OSError("no connection")]

    async def ship(ctx: Context) -> None:
        def pack() -> None:
            if failures:
                raise failures.pop()

        await ctx.step.run("pack", pack)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    run = run_of(face(ship), Reader)
    run.replay()
    run.wake_after("1m")
    run.receive("paid")
    pack, paid = run.step("pack"), run.step("paid")
    assert (pack.began, pack.ended) != (paid.began, paid.ended)
    assert seen == [
        StepInfo("pack", "run", 1, began=pack.began, ended=pack.ended, is_new=True),
        StepInfo("pack", "run", 1, began=pack.began, ended=pack.ended, is_new=False),
        StepInfo("paid", "wait", 0, began=paid.began, ended=paid.ended, is_new=True),
    ]


def test_a_step_in_a_hook_is_an_error_and_hangs_nothing(face: Face) -> None:
    class Stepping(Middleware):
        async def transform_input(self, ctx: Any, function: Function) -> None:
            self.ctx = ctx

        async def before_execution(self) -> None:
            called = self.ctx.step.run("in a hook", int)
            if isawaitable(called):
                await called

    async def ship(ctx: Context) -> None: ...

    run = run_of(face(ship), Stepping)
    assert "was called in a middleware" in error_of(run.replay()).message


def test_a_hook_that_takes_its_time_changes_no_order(face: Face) -> None:
    """The first result's hook awaits a timer; the second result is given only after that."""

    class Slow(Middleware):
        async def restore_output(self, output: Any, step: StepInfo) -> Any:
            await asyncio.sleep(0.02 if step.id == "a" else 0)
            return output

    order: list[str] = []

    async def ship(ctx: Context) -> list[str]:
        async def branch(name: str) -> None:
            await ctx.step.wait_for_event(name, event=name, timeout="1d")
            order.append(name)

        await ctx.group.parallel([lambda: branch("b"), lambda: branch("a")])
        return order

    run = run_of(face(ship), Slow)
    run.replay()
    run.journal.time_out("a")
    run.journal.time_out("b")
    run.replay()
    assert order == ["a", "b"]


def test_what_a_hook_sets_in_a_context_variable_the_body_sees(face: Face) -> None:
    span: ContextVar[str] = ContextVar("span", default="none")

    class Traced(Middleware):
        def before_execution(self) -> None:
            span.set("run")

        def before_step(self, step: StepInfo) -> None:
            span.set(step.id)

    async def ship(ctx: Context) -> list[str]:
        return [await ctx.step.run("pack", span.get), span.get()]

    assert output_of(run_of(face(ship), Traced).replay())[0] == "pack"


@pytest.mark.parametrize("wrong", [Middleware(), "middleware", None], ids=["instance", "text", "none"])
def test_what_cannot_make_a_middleware_is_an_error_where_it_is_registered(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"app 'shop': middleware has .* give the class"):
        App("shop", middleware=[wrong])
    with pytest.raises(UsageError, match=r"function 'ship': middleware has"):
        durable(lambda ctx: None, middleware=[wrong])


def test_a_factory_that_fails_or_makes_something_else_fails_the_run_and_not_the_executor(face: Face) -> None:
    async def ship(ctx: Context) -> None: ...

    def broken() -> Middleware:
        raise KeyError("key")

    assert error_of(run_of(face(ship), broken).replay()).message == "middleware broken raised KeyError: 'key'"
    other: Any = dict
    assert "returns {}; return an instance of tarry.Middleware" in error_of(run_of(face(ship), other).replay()).message


def test_every_hook_has_been_tried() -> None:
    public = {name for name, hook in vars(Middleware).items() if not name.startswith("_") and callable(hook)}
    assert public == HOOKS == {name for name in vars(Scribe) if not name.startswith("_")}


def test_a_middleware_error_names_hook_and_cause() -> None:
    error = MiddlewareError("Encrypted.transform_output", KeyError("key"))
    assert (error.where, str(error)) == (
        "Encrypted.transform_output",
        "middleware Encrypted.transform_output raised KeyError: 'key'",
    )
