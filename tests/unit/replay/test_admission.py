"""How often code is refused that goes on after its misplaced calls, before it is ended or left behind."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tarry import Context, ContextSync, StepCallError
from tarry_backend.replay import Paused, admission, conclusion
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 3

HELD = "held"


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_PATIENCE", PATIENCE)
    monkeypatch.setattr(admission, "_PAUSE", 0.001)
    monkeypatch.setattr(conclusion, "FAREWELL", 0.2)


def note_pauses(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    """Notes how often the thread ``HELD`` is held, and does not hold it. An earlier test's thread is held as ever."""

    def sleep(seconds: float) -> None:
        if threading.current_thread().name == HELD:
            pauses.append(seconds)
        else:
            time.sleep(seconds)

    monkeypatch.setattr(admission, "time", SimpleNamespace(sleep=sleep))


def note_errors(names: list[str], call: Callable[[], object], times: int) -> None:
    """Note the errors of so many calls. A thread makes the calls, so nothing cancels it."""
    for _ in range(times):
        try:
            call()
        except BaseException as error:
            names.append(type(error).__name__)


def all_of(names: list[str], count: int) -> list[str]:
    """What the thread has noted, once it has noted so much: it may outlive the replay."""
    end = time.monotonic() + 10
    while len(names) < count and time.monotonic() < end:
        time.sleep(0.001)
    return names


def test_a_thread_is_refused_so_often_then_suspended_and_then_held_at_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    names: list[str] = []
    note_pauses(monkeypatch, pauses)

    def ship(ctx: ContextSync) -> None:
        threading.current_thread().name = HELD
        note_errors(names, lambda: ctx.step.idempotency_key, 8)

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.name == "StepCallError"
    assert all_of(names, 8) == ["StepCallError"] * (PATIENCE + 1) + ["Suspended"] * 4
    assert pauses == [0.001] * 3, "the first suspension may end it, so only the later calls are held"


def test_the_tools_of_a_thread_count_alike() -> None:
    names: list[str] = []

    def ship(ctx: ContextSync) -> None:
        def body() -> None:
            note_errors(names, lambda: ctx.step.run("inner", int), 6)

        ctx.step.run("outer", body)

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.message.startswith("step 'inner' was called inside step 'outer'")
    assert all_of(names, 6) == ["StepCallError"] * (PATIENCE + 1) + ["Suspended"] * 2


def test_an_async_body_is_refused_so_often_and_then_ended() -> None:
    names: list[str] = []

    async def ship(ctx: Context) -> None:
        async def body() -> None:
            while True:
                try:
                    await ctx.step.run("inner", int)
                except StepCallError as error:
                    names.append(type(error).__name__)
                except BaseException as error:
                    names.append(type(error).__name__)
                    raise

        await ctx.step.run("outer", body)

    assert error_of(MemoryRun(durable(ship)).replay()).message.startswith("step 'inner' was called inside")
    assert names[:-1] == ["StepCallError"] * (PATIENCE + 1)
    assert names[-1] in ("Suspended", "CancelledError"), "it is suspended, or cancelled while it is held"


def test_a_function_that_calls_on_after_its_suspension_is_suspended_so_often_and_then_rests() -> None:
    names: list[str] = []
    texts: list[str] = []

    async def ship(ctx: Context) -> None:
        while True:
            try:
                await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
            except GeneratorExit:
                raise
            except BaseException as error:
                names.append(type(error).__name__)
                texts.append(str(error))

    assert MemoryRun(durable(ship)).replay() == Paused()
    assert names == ["CancelledError"] + ["Suspended"] * (PATIENCE + 1)
    assert all("Write ``except Exception:`` instead" in text for text in texts[1:]), texts


def test_a_thread_that_has_lost_its_race_is_refused_so_often_and_then_held_at_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    names: list[str] = []
    note_pauses(monkeypatch, pauses)

    def ship(ctx: ContextSync) -> object:
        def loser() -> None:
            try:
                ctx.step.sleep("rest", "1d")
            except BaseException:
                threading.current_thread().name = HELD
                note_errors(names, lambda: ctx.step.run("tidy", int), 6)

        return ctx.group.race([loser, lambda: ctx.step.run("pack", lambda: "packed")])

    assert output_of(MemoryRun(durable(ship)).replay()) == "packed"
    assert all_of(names, 6) == ["Suspended"] * 6
    assert pauses == [0.001] * 2, "the calls after the fourth"
