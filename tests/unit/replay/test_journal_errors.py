"""An error of the journal, a table that cannot be reached say, ends the replay: it is no error of the function."""

import asyncio
import re
import threading
from collections.abc import Sequence

import pytest

from tarry import Context, ContextSync, Event, ExpressionError, LimitError, SendError, TarryError
from tarry_backend.replay import Failed, InvokeRequest, Paused, Step, WaitRequest
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, error_of, output_of


class ThrottlingError(Exception):
    """DynamoDB has enough."""


class ConflictError(TarryError):
    """Somebody else was there first."""


class Unreachable(MemoryJournal):
    """A journal that fails at one step."""

    def __init__(self, error: BaseException, key: str) -> None:
        super().__init__()
        self._error = error
        self._key = key

    def keep(self, step: Step) -> None:
        if step.key == self._key:
            raise self._error
        super().keep(step)

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        if step.key == self._key:
            raise self._error
        return super().open_wait(step, request)

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        if step.key == self._key:
            raise self._error
        return super().invoke(step, request)


async def catch_all(ctx: Context) -> str:
    """Does one step of each kind, and catches whatever it can."""
    for call in (
        lambda: ctx.step.run("run", int),
        lambda: ctx.step.send_event("send", Event("sent")),
        lambda: ctx.step.sleep("sleep", 0),
        lambda: ctx.step.wait_for_event("wait", event="paid", timeout=0),
    ):
        try:
            await call()
        except BaseException:
            return "caught"
    return "done"


ERRORS = [ThrottlingError("slow down"), ConflictError("too late"), OSError("no connection"), KeyboardInterrupt()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("key", ["run", "send", "sleep", "wait"])
def test_it_is_raised_and_the_function_cannot_catch_it(face: Face, key: str, error: BaseException) -> None:
    journal = Unreachable(error, key)
    run = MemoryRun(durable(face(catch_all)), journal)
    with pytest.raises(type(error)) as caught:
        run.replay()
    assert caught.value is error
    assert list(journal.steps) == ["run", "send", "sleep", "wait"][: ["run", "send", "sleep", "wait"].index(key)]


def test_the_message_that_comes_again_finds_what_was_kept_before(face: Face) -> None:
    journal = Unreachable(ThrottlingError(), "sleep")
    with pytest.raises(ThrottlingError):
        MemoryRun(durable(face(catch_all)), journal).replay()
    mended = MemoryJournal()
    mended.steps = journal.steps
    assert output_of(MemoryRun(durable(face(catch_all)), mended).replay()) == "done"
    assert mended.sent == [], "what was sent is kept"


def test_in_a_branch_it_ends_the_others(face: Face) -> None:
    ran: list[str] = []

    async def ship(ctx: Context) -> None:
        async def branch(name: str) -> None:
            await ctx.step.sleep(name, 0)
            await ctx.step.run(f"{name} more", ran.append, name)

        await ctx.group.parallel([lambda: branch("first"), lambda: branch("second")])

    with pytest.raises(ThrottlingError):
        MemoryRun(durable(face(ship)), Unreachable(ThrottlingError(), "first")).replay()
    assert ran == []


def test_a_function_that_never_ends_does_not_hide_it() -> None:
    async def ship(ctx: Context) -> None:
        await asyncio.gather(ctx.step.run("run", int), asyncio.sleep(3600))

    with pytest.raises(ThrottlingError):
        MemoryRun(durable(ship), Unreachable(ThrottlingError(), "run")).replay()


def test_a_def_is_not_left_hanging_in_its_thread() -> None:
    threads: list[threading.Thread] = []

    def ship(ctx: ContextSync) -> None:
        threads.append(threading.current_thread())
        ctx.step.run("run", int)

    with pytest.raises(ThrottlingError):
        MemoryRun(durable(ship), Unreachable(ThrottlingError(), "run")).replay()
    threads[0].join(timeout=5)
    assert not threads[0].is_alive()


# What the function is to blame for fails its run.

USAGE = ExpressionError("async.data.id ===", "no expression", 15)


def test_a_step_that_cannot_be_kept_as_it_is_fails_the_run_and_is_named(face: Face) -> None:
    run = MemoryRun(durable(face(catch_all)), Unreachable(LimitError("too large"), "run"))
    assert error_of(run.replay()).message == "step 'run': too large"


def test_an_expression_that_cannot_be_fails_the_run_at_the_wait_and_names_the_step(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d", if_exp=USAGE.expression)
        except Exception:
            return "caught"
        return "paid"

    outcome = MemoryRun(durable(face(ship)), Unreachable(USAGE, "paid")).replay()
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert outcome.error.name == "ExpressionError"
    said, _, place = outcome.error.message.rpartition(" (")
    assert said == f"step 'paid': {USAGE}"
    assert re.fullmatch(r".*/(test_journal_errors|faces)\.py, line \d+\)", place)


@pytest.mark.parametrize("timeout", ["3q", "400d"])
def test_a_timeout_that_cannot_be_fails_the_run_at_each_replay(face: Face, timeout: str) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("before", int)
        try:
            await ctx.step.wait_for_event("paid", event="paid", timeout=timeout)
        except Exception:
            await ctx.step.run("after", int)

    run = MemoryRun(durable(face(ship)))
    for _ in range(2):
        error = error_of(run.replay())
        assert error.name == "DurationError"
        assert "step 'paid'" in error.message
        assert timeout in error.message
    assert list(run.journal.steps) == ["before"]


class Refusing(MemoryJournal):
    """A bus that takes events only at the second attempt."""

    refused = False

    def send(self, events: Sequence[Event]) -> None:
        if not self.refused:
            self.refused = True
            raise SendError([(events[0].id, "ThrottlingException: slow down")], total=len(events))
        super().send(events)


def test_events_that_were_refused_are_sent_again_at_the_steps_next_attempt(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        return await ctx.step.send_event("tell", Event("sent", id="mine"))

    run = MemoryRun(durable(face(ship)), Refusing())
    assert run.replay() == Paused()
    failure = run.step("tell").error
    assert failure is not None
    assert failure.name == "SendError"
    assert output_of(run.wake_after("1m")) == ["mine"]
    assert [event.id for event in run.journal.sent] == ["mine"]
