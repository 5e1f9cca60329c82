"""R21: a stored step answers by its id; a replay that asks it with other arguments is told."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tarry import Context, Event
from tarry._engine.operations import InvokeFunction, RunStep, SendEvent, Sleep, WaitForEvent, WaitForSignal
from tarry_backend.replay import Failed, Paused
from tarry_backend.replay.arguments import LONGEST, Large, arguments_of
from tests.unit.replay.memory import MemoryRun, durable, output_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.replay.faces import Face


def shouted(text: str) -> str:
    return text.upper()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_r21_a_loop_in_another_order_is_a_warning_that_names_step_and_both_arguments(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    orders = [["a", "b"], ["b", "a"]]

    async def ship(ctx: Context) -> Any:
        got = [await ctx.step.run("shout", shouted, each) for each in orders.pop(0)]
        await ctx.step.sleep("rest", "1h")
        return got

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert warnings(caplog) == []
    assert output_of(run.wake_after("1h")) == ["A", "B"]
    first, second = warnings(caplog)
    assert """step 'shout' began with the arguments ("a"), and the function now asks for it with ("b")""" in first
    assert """step 'shout:1' began with the arguments ("b"), and the function now asks for it with ("a")""" in second


def test_r21_a_strict_function_fails_instead(face: Face) -> None:
    amounts = [5, 7]

    async def ship(ctx: Context) -> Any:
        await ctx.step.run("pay", abs, amounts.pop(0))
        await ctx.step.sleep("rest", "1h")

    run = MemoryRun(replace(durable(face(ship)), strict=True))
    assert run.replay() == Paused()
    outcome = run.wake_after("1h")
    assert isinstance(outcome, Failed)
    assert (outcome.error.name, outcome.final) == ("ReplayError", True)
    assert "step 'pay' began with the arguments (5), and the function now asks for it with (7)" in outcome.error.message


def test_r21_a_wait_that_is_asked_with_another_expression_is_told(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    limits = [100, 200]

    async def ship(ctx: Context) -> Any:
        await ctx.step.wait_for_event("paid", event="paid", if_exp=f"async.data.n > {limits.pop(0)}", timeout="1h")

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    run.replay()
    [told] = warnings(caplog)
    assert 'if_exp="async.data.n > 100"' in told
    assert 'if_exp="async.data.n > 200"' in told


def test_a_step_that_is_tried_again_takes_its_new_arguments_in_silence(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    amounts = [-5, 7]

    def paid(amount: int) -> int:
        if amount < 0:
            raise ValueError("no refunds")
        return amount

    async def ship(ctx: Context) -> Any:
        return await ctx.step.run("pay", paid, amounts.pop(0))

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == 7
    assert warnings(caplog) == []


def test_a_replay_warns_of_the_first_three_steps_alone(caplog: pytest.LogCaptureFixture) -> None:
    starts = [0, 100]

    async def ship(ctx: Context) -> Any:
        start = starts.pop(0)
        for n in range(10):
            await ctx.step.run(f"pay-{n}", abs, start + n)
        await ctx.step.sleep("rest", "1h")

    run = MemoryRun(durable(ship))
    run.replay()
    run.wake_after("1h")
    assert len(warnings(caplog)) == 3


def test_arguments_that_are_the_same_or_no_json_say_nothing(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    async def ship(ctx: Context) -> Any:
        await ctx.step.run("same", lambda **given: sorted(given), b=[1, {"y": 2, "x": 1}], a="é")
        await ctx.step.run("objects", lambda given: repr(given)[:7], object())
        await ctx.step.send_event("tell", Event("told", {"at": 1}))
        await ctx.step.sleep("rest", "1h")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    output_of(run.wake_after("1h"))
    assert warnings(caplog) == []


NO_MATCH: Callable[[str], WaitForEvent] = lambda name: WaitForEvent.one("s", name, None, "data.id", "3d", None)  # noqa: E731


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (RunStep("s", abs, (1, "x"), {"limit": None}), '1, "x", limit=null'),
        (RunStep("s", abs, (object(),), {}), None),
        (RunStep("s", abs, ({"b": 1, "a": 2},), {}), '{"a": 2, "b": 1}'),
        (Sleep("s", "1h"), 'duration="1h"'),
        (Sleep("s", 3_600_000), ""),
        (NO_MATCH("paid"), 'event="paid", match="data.id", timeout="3d"'),
        (
            WaitForEvent.one("s", "paid", "async.data.n > n", None, "3d", None, {"data.id": 7}, {"n": 1}),
            'event="paid", if_exp="async.data.n > n", where={"data.id": 7}, bind={"n": 1}, timeout="3d"',
        ),
        (WaitForSignal("s", "answer/7", 60_000), 'signal="answer/7"'),
        (WaitForSignal("s", "answer/7", "1h"), 'signal="answer/7", timeout="1h"'),
        (SendEvent("s", [Event("told", {"n": 1}, id="e-1", ts=7)]), 'told {"n": 1}'),
        (SendEvent("s", [Event("told", {"n": 1}), Event("heard")]), 'told {"n": 1}, heard {}'),
        (InvokeFunction("s", None, "pack", {"n": 1}, None, "1h"), 'function="pack", data={"n": 1}'),
        (InvokeFunction("s", None, "pack", None, None, None), 'function="pack"'),
        (RunStep("s", abs, ("é",), {}), '"é"'),
        (RunStep("s", abs, ("é\ud800",), {}), '"é\\ud800"'),  # half a character, which no table can store
    ],
)
def test_the_text_of_a_steps_arguments(operation: Any, text: str | None) -> None:
    assert arguments_of(operation) == text


def test_r21_neither_the_timeout_nor_the_user_of_an_invocation_counts() -> None:
    texts = {
        arguments_of(InvokeFunction("s", None, "pack", {"n": 1}, user, timeout))
        for user in (None, {"id": "ada"})
        for timeout in (None, "1h", "2h", 60_000)
    }
    assert texts == {'function="pack", data={"n": 1}'}


def test_a_long_text_is_cut_and_still_differs_by_its_end() -> None:
    one, other = (arguments_of(RunStep("s", abs, ("x" * 10_000 + end,), {})) for end in "ab")
    assert one is not None
    assert other is not None
    assert len(one) == len(other) == LONGEST
    assert one != other


def test_a_text_of_exactly_the_greatest_length_stays_whole() -> None:
    whole = "x" * (LONGEST - 2)
    assert arguments_of(RunStep("s", abs, (whole,), {})) == f'"{whole}"'
    assert arguments_of(RunStep("s", abs, (whole + "x",), {})) == f'"{"x" * (LONGEST - 15)}… {hashed(whole + "x")}'


def hashed(argument: str) -> str:
    return hashlib.sha256(f'"{argument}"'.encode()).hexdigest()[:12]


def test_arguments_that_hold_themselves_say_nothing() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert arguments_of(RunStep("s", abs, (endless,), {})) is None


def test_a_replay_writes_a_large_argument_once(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    """Each of its steps would cost as much as the whole list, at each replay."""
    sizes = [0, 1]

    async def ship(ctx: Context) -> Any:
        orders = ["x" * 1000] * 50 + ["y" * sizes.pop(0)]
        for number in range(3):
            await ctx.step.run("pack", taken, orders, number)
        await ctx.step.sleep("rest", "1h")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    asked = [step.asked for step in run.journal.steps.values() if step.kind == "run"]
    assert [each is None for each in asked] == [False, True, True]
    output_of(run.wake_after("1h"))
    (warning,) = warnings(caplog)
    assert "step 'pack' began with the arguments" in warning


def taken(orders: list[str], number: int) -> int:
    return number


LARGE = ["x" * 1000] * 20
TEXT = "x" * 20_000
EVENT = Event("told", {"orders": LARGE})

OF_LARGE: list[Callable[[], Any]] = [
    lambda: RunStep("s", abs, (), {"orders": LARGE}),
    lambda: RunStep("s", abs, (LARGE[0], TEXT), {}),
    lambda: SendEvent("s", [Event("small"), EVENT]),
    lambda: InvokeFunction("s", None, "pack", EVENT.data, None, None),
]


@pytest.mark.parametrize("operation", OF_LARGE)
def test_each_kind_of_step_writes_its_large_argument_once(operation: Callable[[], Any]) -> None:
    large: Large = {}
    assert arguments_of(operation(), large) is not None
    assert arguments_of(operation(), large) is None
    assert arguments_of(operation(), {}) is not None


def test_a_short_list_is_written_at_every_step() -> None:
    large: Large = {}
    orders = ["x"]
    assert [arguments_of(RunStep("s", abs, (orders,), {}), large) for _ in range(2)] == ['["x"]'] * 2
    assert large == {}


def test_a_list_whose_text_is_cut_but_not_large_is_written_at_every_step() -> None:
    large: Large = {}
    first, second = (arguments_of(RunStep("s", abs, (LARGE[:2],), {}), large) for _ in range(2))
    assert first is not None
    assert (first, large) == (second, {})


def test_a_step_without_large_arguments_is_written_beside_one_that_has_some() -> None:
    large: Large = {}
    arguments_of(RunStep("s", abs, (LARGE,), {}), large)
    assert arguments_of(Sleep("s", "1h"), large) == 'duration="1h"'
    assert arguments_of(NO_MATCH("paid"), large) == 'event="paid", match="data.id", timeout="3d"'


def test_a_number_beside_a_large_argument_counts_at_every_step() -> None:
    large: Large = {}
    assert arguments_of(RunStep("s", abs, (["x"] * 10_000, 7, "short"), {}), large) is not None
    assert arguments_of(RunStep("s", abs, (7, "short"), {}), large) == '7, "short"'
    assert arguments_of(RunStep("s", abs, (["x"],), {}), large) == '["x"]'
