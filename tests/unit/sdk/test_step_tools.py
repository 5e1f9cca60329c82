"""The step tools: each call becomes an operation, the same for both faces, or an error at once."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Never

import pytest

from tarry import App, Context, ContextSync, Event, EventError, EventMatch, Suspended, TriggerEvent, UsageError
from tarry._engine.hand_over import ContinueAsNew
from tarry._engine.operations import (
    CollectEvents,
    InvokeFunction,
    Operation,
    Patch,
    RunStep,
    SendEvent,
    Sleep,
    WaitForEvent,
)
from tarry._engine.place import Place
from tarry._engine.step_call import CallRecord
from tarry.group import Group, GroupSync
from tarry.step import Step
from tarry.stepsync import StepSync


class Unwatched:
    """``tarry._engine.step_call.CallWatch`` that has no objection."""

    def made(self, what: str, place: Place) -> CallRecord:
        return CallRecord(what, place, None)

    async def begin(self, record: CallRecord, work: Callable[[], Awaitable[Any]]) -> Any:
        return await work()

    def give_up(self, record: CallRecord) -> None: ...

    def dropped(self, record: CallRecord) -> None: ...

    def asked(self, record: CallRecord) -> Exception:
        return UsageError(str(record))


class Notebook:
    """``tarry._engine.engine.Engine``: writes down what it is asked for, and answers with what it was given."""

    calls = Unwatched()
    attempt = 3
    is_in_step = False
    is_repeating = False
    idempotency_key = "run-1/charge"

    def __init__(self, answer: object = None) -> None:
        self.asked: list[Operation | CollectEvents] = []
        self._answer = answer

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        return self.perform_sync(operation)

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        self.asked.append(operation)
        return self._answer

    async def patched(self, patch: Patch) -> bool:
        return self.patched_sync(patch)

    def patched_sync(self, patch: Patch) -> bool:
        return patch.key == "tarry/patch/new"

    async def continue_as_new(self, request: ContinueAsNew) -> Never:
        self.continue_as_new_sync(request)

    def continue_as_new_sync(self, request: ContinueAsNew) -> Never:
        raise Suspended(str(dict(request.data)))

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        return tuple([await branch() for branch in branches])

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        return tuple([branch() for branch in branches])

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        return await branches[-1]()

    def race_sync(self, branches: Sequence[Callable[[], Any]]) -> Any:
        return branches[-1]()


Tools = Step | StepSync
Call = Callable[[Tools], Any]
AT = datetime(2027, 1, 1, tzinfo=UTC)
EVENT = Event("paid", id="e1", ts=0)


async def _async(call: Awaitable[Any]) -> Any:
    return await call


def asked(call: Call, answer: object = None) -> tuple[list[Operation | CollectEvents], Any]:
    """What a call asks of the engine and gives back, which is the same for both faces."""
    engine, other = Notebook(answer), Notebook(answer)
    given = asyncio.run(_async(call(Step(engine))))
    assert call(StepSync(other)) == given
    assert other.asked == engine.asked
    return engine.asked, given


def says(call: Call) -> str:
    """What the ``UsageError`` says that a call raises, which is the same for both faces."""
    engine = Notebook()
    with pytest.raises(UsageError) as caught:
        asyncio.run(_async(call(Step(engine))))
    with pytest.raises(type(caught.value)) as other:
        call(StepSync(engine))
    assert str(other.value) == str(caught.value)
    assert engine.asked == []
    return str(caught.value)


def send(order: int, *, by: str) -> None: ...


async def pack(ctx: Context) -> None: ...


PACK = App("shop").create_function(fn_id="pack", trigger=TriggerEvent("never"))(pack)
INVOKE = InvokeFunction("i", "shop", "pack", data=None, user=None, timeout=None)

WAIT = WaitForEvent(id="w", matches=(EventMatch("paid"),), timeout="3d", lookback=None)
EITHER = [EventMatch("paid", match="data.n"), EventMatch("cancelled")]


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (lambda step: step.run("send", send, 7, by="post"), RunStep("send", send, (7,), {"by": "post"})),
        (lambda step: step.sleep("pause", timedelta(hours=1)), Sleep("pause", timedelta(hours=1))),
        (lambda step: step.sleep_until("pause", AT), Sleep("pause", AT)),
        (lambda step: step.send_event("tell", EVENT), SendEvent("tell", (EVENT,))),
        (lambda step: step.send_event("tell", [EVENT, EVENT]), SendEvent("tell", (EVENT, EVENT))),
        (lambda step: step.wait_for_event("w", event="paid", timeout="3d"), WAIT),
        (
            lambda step: step.wait_for_event("w", event="paid", timeout=AT, if_exp="async.data.n == 1", lookback=0),
            WaitForEvent(id="w", matches=(EventMatch("paid", "async.data.n == 1"),), timeout=AT, lookback=0),
        ),
        (
            lambda step: step.wait_for_event("w", event="paid", timeout=5, match="data.n", lookback="1m"),
            WaitForEvent(id="w", matches=(EventMatch("paid", match="data.n"),), timeout=5, lookback="1m"),
        ),
        (
            lambda step: step.wait_for_first("w", EITHER, timeout="3d", lookback=0),
            WaitForEvent(id="w", matches=tuple(EITHER), timeout="3d", lookback=0),
        ),
        (
            lambda step: step.wait_for_events("w", event="paid", timeout="3d", count=2),
            CollectEvents(WAIT, count=2, until=None),
        ),
        (lambda step: step.invoke("i", function=PACK), INVOKE),
        (
            lambda step: step.invoke("i", function=PACK, data={"n": 1}, user={"id": 3}, timeout="1h"),
            InvokeFunction("i", "shop", "pack", data={"n": 1}, user={"id": 3}, timeout="1h"),
        ),
        (
            lambda step: step.invoke_by_id("i", function_id="pack", data={"n": 1}),
            InvokeFunction("i", None, "pack", data={"n": 1}, user=None, timeout=None),
        ),
        (lambda step: step.invoke_by_id("i", app_id="shop", function_id="pack"), INVOKE),
    ],
)
def test_a_call_is_an_operation(call: Call, operation: Operation | CollectEvents) -> None:
    answer: object = [] if isinstance(operation, CollectEvents) else None
    assert asked(call, answer)[0] == [operation]


def test_w1_a_wait_gives_the_whole_event_and_w2_none_if_there_is_none() -> None:
    output = {"name": "paid", "data": {"n": 1}, "id": "e1", "ts": 5, "user": {"id": 3}, "source": "shop"}

    def wait(step: Tools) -> Any:
        return step.wait_for_event("w", event="paid", timeout="3d")

    assert asked(wait, output)[1] == Event("paid", {"n": 1}, id="e1", ts=5, user={"id": 3}, source="shop")
    assert asked(wait, None)[1] is None


@pytest.mark.parametrize("step_id", ["", "ä" * 257, None, 7], ids=["empty", "too long", "none", "number"])
def test_a_step_id_is_a_text_of_1_to_512_bytes(step_id: str) -> None:
    calls: list[Call] = [
        lambda step: step.run(step_id, int),
        lambda step: step.sleep(step_id, "1h"),
        lambda step: step.sleep_until(step_id, AT),
        lambda step: step.wait_for_event(step_id, event="paid", timeout="1h"),
        lambda step: step.wait_for_first(step_id, EITHER, timeout="1h"),
        lambda step: step.wait_for_events(step_id, event="paid", timeout="1h"),
        lambda step: step.send_event(step_id, EVENT),
        lambda step: step.invoke(step_id, function=PACK),
        lambda step: step.invoke_by_id(step_id, function_id="pack"),
    ]
    assert {"give a string of 1 to 512 bytes" in says(call) for call in calls} == {True}


def test_a_call_in_place_of_a_function_is_an_error_that_guesses_why() -> None:
    result: Any = "a receipt"
    said = says(lambda step: step.run("send", result))
    assert said == (
        "step 'send': handler is 'a receipt', not a function: give the function itself, then its arguments, "
        "instead of calling it"
    )


def test_if_exp_and_match_together_are_an_error_that_names_the_step() -> None:
    def wait(step: Tools) -> Any:
        return step.wait_for_event("w", event="paid", timeout="3d", if_exp="async.data.n == 1", match="data.n")

    assert says(wait) == "step 'w': give if_exp or match, not both"


def test_a_match_with_if_exp_and_match_is_an_error_that_names_the_event() -> None:
    with pytest.raises(UsageError, match="events 'paid': give if_exp or match, not both"):
        EventMatch("paid", "async.data.n == 1", "data.n")


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([], "takes 1 to 10 events, not 0"),
        (EITHER * 6, "takes 1 to 10 events, not 12"),
        (["paid"], r"takes a list of tarry.EventMatch, not ['paid']"),
    ],
)
def test_the_first_of_no_of_too_many_or_of_other_things_is_an_error(events: Any, problem: str) -> None:
    assert problem in says(lambda step: step.wait_for_first("w", events, timeout="3d"))


@pytest.mark.parametrize("count", [0, -1, True, "3", 1.5])
def test_a_count_is_a_number_from_1(count: Any) -> None:
    said = says(lambda step: step.wait_for_events("w", event="paid", timeout="3d", count=count))
    assert said == f"step 'w': count={count!r}; give a whole number of events, 1 or more"


def test_until_is_asked_with_the_events_so_far() -> None:
    engine = Notebook([])
    StepSync(engine).wait_for_events("w", event="paid", timeout="3d", until=lambda events: events[-1].id == "e1")
    [collect] = engine.asked
    assert isinstance(collect, CollectEvents)
    assert not collect.is_complete([])
    assert not collect.is_complete([Event("paid", id="e0")])
    assert collect.is_complete([Event("paid", id="e0"), EVENT])


def test_until_is_a_function() -> None:
    until: Any = "async.data.last"
    assert "give a function of the events" in says(
        lambda step: step.wait_for_events("w", event="paid", timeout="3d", until=until)
    )


@pytest.mark.parametrize("name", ["", "x" * 200])
def test_e7_a_name_that_no_event_can_have_is_an_error_at_the_wait_as_at_send(name: str) -> None:
    assert "128" in says(lambda step: step.wait_for_event("w", event=name, timeout="3d"))


@pytest.mark.parametrize("events", ["paid", {"name": "paid"}, [{"name": "paid"}], [EVENT, None]], ids=repr)
def test_what_is_no_event_is_an_error_before_anything_is_sent(events: Any) -> None:
    with pytest.raises(EventError, match="is not an event"):
        StepSync(Notebook()).send_event("tell", events)
    assert "is not an event" in says(lambda step: step.send_event("tell", events))


def test_an_invocation_of_what_is_no_function_is_an_error_that_names_the_other_tool() -> None:
    wrong: Any = pack
    said = says(lambda step: step.invoke("i", function=wrong))
    assert said.startswith("step 'i': function is <function pack")
    assert "invoke_by_id" in said


@pytest.mark.parametrize("name", ["data", "user"])
@pytest.mark.parametrize("value", [7, "text", [1]], ids=repr)
def test_data_and_user_of_an_invocation_are_objects(name: str, value: Any) -> None:
    options: Any = {name: value}
    assert f"step 'i': {name} is {str(value)!r}; give a JSON object" in says(
        lambda step: step.invoke("i", function=PACK, **options)
    )


NO_STEPS = {"idempotency_key", "with_options"}


@pytest.mark.parametrize("tool", sorted(name for name in dir(Step) if name[0] != "_" and name not in NO_STEPS))
def test_both_faces_have_the_same_tools_with_the_same_parameters(tool: str) -> None:
    assert inspect.signature(getattr(Step, tool)) == inspect.signature(getattr(StepSync, tool))
    assert inspect.iscoroutinefunction(inspect.unwrap(getattr(Step, tool)))
    assert not inspect.iscoroutinefunction(getattr(StepSync, tool))


def test_no_tool_is_missing_from_either_face() -> None:
    assert {name for name in dir(Step) if name[0] != "_"} == {name for name in dir(StepSync) if name[0] != "_"}


@pytest.mark.parametrize("face", [Context, ContextSync])
def test_a_context_has_event_run_id_attempt_and_a_logger_that_carries_both_ids(
    face: type[Context] | type[ContextSync],
) -> None:
    ctx = face(Notebook(), EVENT, "run-1", "ship")
    assert (ctx.event, ctx.run_id, ctx.attempt, ctx.step.idempotency_key) == (EVENT, "run-1", 3, "run-1/charge")
    assert ctx.logger.extra == {"run_id": "run-1", "function_id": "ship"}


def test_both_faces_ask_for_a_patch_by_its_id() -> None:
    assert asyncio.run(_patched(Context(Notebook(), EVENT, "run-1", "ship")))
    assert ContextSync(Notebook(), EVENT, "run-1", "ship").patched("new")
    for bad in ("", "x" * 513, "tarry/patch/new", 7):
        with pytest.raises(UsageError, match="step id"):
            ContextSync(Notebook(), EVENT, "run-1", "ship").patched(bad)  # type: ignore[arg-type]


async def _patched(ctx: Context) -> bool:
    return await ctx.patched("new")


def test_a_group_gives_its_branches_results_in_order() -> None:
    async def one() -> int:
        return 1

    async def two() -> int:
        return 2

    assert asyncio.run(Group(Notebook()).parallel([one, two])) == (1, 2)
    assert GroupSync(Notebook()).parallel([lambda: 1, lambda: 2]) == (1, 2)


def test_a_race_gives_one_result_and_has_branches() -> None:
    async def one() -> int:
        return 1

    assert asyncio.run(Group(Notebook()).race([one])) == 1
    assert GroupSync(Notebook()).race([lambda: 1]) == 1
    with pytest.raises(UsageError, match="has no branches"):
        GroupSync(Notebook()).race([])
    with pytest.raises(UsageError, match=r"group\.race takes functions"):
        asyncio.run(Group(Notebook()).race([7]))  # type: ignore[arg-type]


def test_a_group_of_calls_instead_of_functions_is_an_error_that_shows_how() -> None:
    with pytest.raises(UsageError, match=r"such as lambda: ctx\.step\.run"):
        GroupSync(Notebook()).parallel([7])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"such as lambda: ctx\.step\.run"):
        asyncio.run(Group(Notebook()).parallel([7]))  # type: ignore[arg-type]
