"""A run hands over to a successor: with new data and no steps, and with nothing lost between the two."""

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from tarry import App, Cancel, Context, ContextSync, Event, Middleware, StepError, Timeouts, TriggerEvent
from tarry_backend.queues.retry_runs import RetryError
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Call, Chaos, Cloud, Host, HostedRun, MovedClock
from tarry_dev.cloud.crash import unwatched
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

OPENED = TriggerEvent(event="account/opened")


def subscription(app: App, diary: Diary, generations: int = 3, **options: Any) -> None:
    """Collect payments for ever: each run takes one, and hands over."""

    @app.create_function(fn_id="account", trigger=OPENED, **options)
    async def account(ctx: Context) -> str:
        number = ctx.event.data["number"]
        await ctx.step.run("bill", diary.write, f"bill {number}")
        event = await ctx.step.wait_for_event("paid", event="account/paid", match="data.id", timeout="30d")
        await diary.write(event.id if event else "none")
        if number == generations:
            return f"closed after {number}"
        return await ctx.continue_as_new({"id": "7", "number": number + 1})


def opened() -> Event:
    return Event("account/opened", {"id": "7", "number": 1}, id="o-1")


def paid(number: int) -> Event:
    return Event("account/paid", {"id": "7"}, id=f"p-{number}")


def payments(diary: Diary) -> list[str]:
    return sorted(entry for entry in map(str, diary.entries) if entry.startswith("p-"))


def chain(host: Host) -> list[HostedRun]:
    return host.runs("account")


def stored(run: HostedRun) -> Any:
    return runtime().store.runs.run(run.id)


def test_a_run_hands_over_to_a_successor_with_new_data_and_no_steps(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    for number in (1, 2, 3):
        host.advance("1d")
        host.send([paid(number)])
    runs = chain(host)
    assert [run.status for run in runs] == ["finished"] * 3
    assert [run.event.data for run in runs] == [{"id": "7", "number": number} for number in (1, 2, 3)]
    assert [list(run.steps) for run in runs] == [["bill", "paid"]] * 3
    assert runs[-1].output == "closed after 3"
    assert diary.entries == ["bill 1", "p-1", "bill 2", "p-2", "bill 3", "p-3"]
    assert [event.data["run_id"] for event in host.events("tarry/function.finished")] == [runs[-1].id]
    assert host.events("tarry/function.finished")[0].data["first_run_id"] == runs[0].id
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_the_chain_is_known_both_ways(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1), paid(2)])
    host.advance("1m")
    first, second, *_ = (stored(run) for run in chain(host))
    assert (first.successor, second.chain.previous, second.chain.first) == (second.id, first.id, first.id)
    assert (first.chain, second.chain.number) == (None, 2)


def test_an_event_that_came_before_the_successor_began_is_found_by_its_wait(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1), paid(2), paid(3)])
    host.advance("1m")
    assert [run.status for run in chain(host)] == ["finished"] * 3
    assert payments(diary) == ["p-1", "p-2", "p-3"]


def test_no_event_answers_waits_of_two_runs_of_a_chain(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1)])
    host.advance("10m")
    assert diary.entries == ["bill 1", "p-1", "bill 2"]


def test_the_starting_event_of_the_chain_answers_no_wait_of_it(app: App, host: Host) -> None:
    @app.create_function(fn_id="account", trigger=OPENED)
    async def account(ctx: Context) -> str | None:
        if ctx.event.data["number"] == 1:
            await ctx.continue_as_new({**ctx.event.data, "number": 2})
        event = await ctx.step.wait_for_event("again", event="account/opened", match="data.id", timeout="1h")
        return event.id if event else None

    host.send([opened()])
    host.advance("2h")
    assert chain(host)[-1].output is None


def moments(app: App, diary: Diary) -> range:
    """The calls that the Lambdas make from the first payment until the second run waits."""
    calls: list[Call] = []

    def note(call: Call) -> bool:
        calls.append(call)
        return False

    with Cloud(app) as cloud, cloud.dies(note):
        Host(cloud).send([opened()])
        before = len(calls)
        Host(cloud).send([paid(1)])
    diary.entries.clear()
    return range(before, len(calls))


@pytest.mark.parametrize("waits", ["in order", "side by side"])
def test_an_event_that_arrives_at_any_moment_of_the_hand_over_is_found(waits: str) -> None:
    """The second payment arrives at each single call of each Lambda, before and after it is answered."""
    app, diary = App("shop"), Diary()
    if waits == "in order":
        subscription(app, diary, 2)
    else:
        side_by_side(app, diary)
    wrong = {}
    for moment in moments(app, diary):
        diary.entries.clear()
        left = moment

        def at(call: Call) -> bool:
            nonlocal left
            left -= 1
            if left == -1:
                with unwatched():
                    cloud.send(paid(2))
            return False

        with Cloud(app) as cloud, cloud.dies(at):
            host = Host(cloud)
            host.send([opened()])
            host.send([paid(1)])
            host.advance("1m")
            found = payments(diary)
            if (host.run("account").status, sorted(set(found))) != ("finished", ["p-1", "p-2"]):
                wrong[moment] = found
    assert wrong == {}


def side_by_side(app: App, diary: Diary) -> None:
    """The wait stands in a task, of whose past the function's own branch knows nothing."""

    @app.create_function(fn_id="account", trigger=OPENED)
    async def account(ctx: Context) -> str:
        waiting = ctx.step.wait_for_event("paid", event="account/paid", match="data.id", timeout="30d")
        event, _ = await asyncio.gather(waiting, ctx.step.run("bill", diary.write, "bill"))
        await ctx.step.run("note", diary.write, event.id if event else "none")
        if ctx.event.data["number"] == 1:
            await ctx.continue_as_new({"id": "7", "number": 2})
        return "closed"


def test_whichever_call_an_executor_dies_at_the_chain_goes_on_and_no_kept_step_runs_again() -> None:
    app, diary = App("shop"), Diary()
    subscription(app, diary)
    wrong = {}
    plan = Mortal("executor")
    with Cloud(app) as cloud, cloud.dies(plan):
        tell(Host(cloud))
    for death in deaths("executor", plan.calls):
        diary.entries.clear()
        mortal = Mortal("executor", death)
        with Cloud(app) as cloud, cloud.dies(mortal):
            host = Host(cloud)
            tell(host)
            runs = chain(host)
            ending = ([run.status for run in runs], runs[-1].output, in_indexes(cloud), host.dead_letters)
        assert mortal.has_died
        bills = Counter(entry for entry in map(str, diary.entries) if entry.startswith("bill"))
        if ending != (["finished"] * 3, "closed after 3", set(), []) or max(bills.values()) > 2 or len(bills) != 3:
            wrong[str(death)] = (ending, bills)
    assert wrong == {}


def tell(host: Host) -> None:
    host.send([opened()])
    for number in (1, 2, 3):
        host.advance("20m")
        host.send([paid(number)])
    host.advance("1h")


@pytest.mark.parametrize("seed", range(4))
def test_duplicates_and_disorder_and_two_executors_at_once_make_one_successor(
    app: App, diary: Diary, seed: int
) -> None:
    subscription(app, diary)
    with Cloud(app, clock=MovedClock()) as cloud:
        cloud.chaos = Chaos(seed=seed, processes=2, at_once=2, duplicates=0.4, disorder=0.4, throttled_writes=0.1)
        host = Host(cloud)
        host.send([opened(), opened()])
        for number in (1, 2, 3):
            host.advance("10m")
            host.send([paid(number), paid(number)])
        host.advance("1h")
        assert [run.status for run in chain(host)] == ["finished"] * 3
        assert chain(host)[-1].output == "closed after 3"


def test_who_cancels_any_run_of_a_chain_cancels_its_newest(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1), paid(2)])
    host.advance("1m")
    first, second, third = chain(host)
    host.cancel(first)
    assert [run.status for run in (first, second, third)] == ["finished", "finished", "cancelled"]


def test_who_cancels_the_first_run_finds_the_newest_when_it_is_gone(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1), paid(2)])
    host.advance("1m")
    first, *_, third = chain(host)
    table = runtime().store.table
    with table.batch() as batch:
        for item in table.query(Item, f"run#{first.id}"):
            if item.sk != "chain":
                batch.delete(item.pk, item.sk)
    host.cancel(first)
    assert third.status == "cancelled"


def test_a_cancel_that_came_while_the_run_before_was_at_work_cancels_the_successor(
    app: App, host: Host, cloud: Cloud, diary: Diary
) -> None:
    """Its message is behind the one over which the run hands over."""
    subscription(app, diary, cancel=[Cancel(event="account/closed", match="data.id")])
    host.send([opened()])
    with cloud.hold("runs"):
        host.send([paid(1)])
        host.send("account/closed", {"id": "7"})
    cloud.pump()
    assert [run.status for run in chain(host)] == ["finished", "cancelled"]


def test_the_caller_gets_the_answer_of_the_last_run(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="count", trigger=TriggerEvent(event="never"))
    async def count(ctx: Context) -> object:
        await ctx.step.sleep("rest", "1d")
        if (number := ctx.event.data["number"]) == 3:
            return number
        return await ctx.continue_as_new({"number": number + 1})

    @app.create_function(fn_id="asker", trigger=OPENED)
    async def asker(ctx: Context) -> object:
        return await ctx.step.invoke("count", function=count, data={"number": 1})

    host.send([opened()])
    host.advance("4d")
    assert (host.result("asker"), len(host.runs("count"))) == (3, 3)


def test_the_caller_hears_of_the_failure_of_the_last_run_and_its_retry_answers(app: App, host: Host) -> None:
    broken = [True]

    @app.create_function(fn_id="count", trigger=TriggerEvent(event="never"), retries=0)
    async def count(ctx: Context) -> str:
        if ctx.event.data.get("number") is None:
            await ctx.continue_as_new({"number": 2})
        if broken:
            raise ValueError("broken")
        return "mended"

    @app.create_function(fn_id="asker", trigger=OPENED, retries=0)
    async def asker(ctx: Context) -> object:
        return await ctx.step.invoke("count", function=count)

    host.send([opened()])
    first, second = host.runs("count")
    assert (host.run("asker").status, second.status) == ("failed", "failed")
    with pytest.raises(RetryError, match="continues it"):
        host.retry(first)
    with pytest.raises(RetryError, match=second.id):
        host.retry(host.run("asker"))
    broken.clear()
    host.retry(second)
    host.retry(host.run("asker"))
    assert host.run("asker").output == "mended"


def test_a_rerun_of_a_run_in_a_chain_looks_from_where_that_run_did_and_has_a_chain_of_its_own(
    app: App, host: Host, diary: Diary
) -> None:
    subscription(app, diary)
    host.send([opened()])
    host.send([paid(1)])
    host.advance("1h")
    host.send([paid(2)])
    host.advance("1h")
    host.send([paid(3)])
    again = host.rerun(chain(host)[1])
    assert again.steps["paid"].output.id == "p-2", "not p-1, which answered the run before"
    assert stored(again).chain.first == again.id


def test_open_steps_elsewhere_are_an_error_that_names_them(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="account", trigger=OPENED, retries=0)
    async def account(ctx: Context) -> None:
        async def go_on() -> None:
            await ctx.step.run("bill", diary.write, "bill")
            await ctx.continue_as_new()

        await asyncio.gather(ctx.step.sleep("rest", "1d"), go_on())

    host.send([opened()])
    error = host.run().error
    assert error is not None
    assert "while another branch waits for 'rest'" in error.message
    assert "test_continue_as_new.py" in error.message


def test_branches_that_have_ended_are_no_hindrance_nor_is_a_lost_race(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="account", trigger=OPENED)
    async def account(ctx: Context) -> str:
        if ctx.event.data["number"] == 2:
            return "on"

        async def wait() -> None:
            await ctx.step.wait_for_event("never", event="never", timeout="1d")

        async def sleep() -> None:
            await ctx.step.sleep("rest", "1h")

        await ctx.group.race([wait, sleep])
        await asyncio.gather(ctx.step.run("a", diary.write, "a"), ctx.step.run("b", diary.write, "b"))
        return await ctx.continue_as_new({"number": 2})

    host.send([opened()])
    host.advance("2h")
    assert (chain(host)[-1].output, in_indexes(host.cloud)) == ("on", set())


def test_nothing_catches_the_hand_over_and_a_plain_function_has_it_too(app: App, host: Host) -> None:
    reached = []

    @app.create_function(fn_id="account", trigger=OPENED)
    def account(ctx: ContextSync) -> str:
        if ctx.event.data["number"] == 2:
            return "on"
        try:
            ctx.continue_as_new({"number": 2})
        except Exception:
            reached.append("except")
        return "never"

    host.send([opened()])
    assert (chain(host)[-1].output, reached) == ("on", [])


def test_data_that_no_event_may_have_fail_the_run_with_the_place(app: App, host: Host) -> None:
    @app.create_function(fn_id="account", trigger=OPENED)
    async def account(ctx: Context) -> None:
        await ctx.continue_as_new({"at": datetime(2030, 1, 1, tzinfo=UTC)})

    host.send([opened()])
    error = host.run().error
    assert error is not None
    assert (error.name, host.run().status) == ("OutputError", "failed")


def test_a_hand_over_that_is_not_awaited_fails_the_run(app: App, host: Host) -> None:
    @app.create_function(fn_id="account", trigger=OPENED)
    async def account(ctx: Context) -> None:
        ctx.continue_as_new()  # type: ignore[unused-coroutine]

    host.send([opened()])
    error = host.run().error
    assert error is not None
    assert "ctx.continue_as_new was called and never awaited" in error.message


def test_a_middleware_sees_the_data_as_those_of_an_event_that_is_sent(app: App, host: Host) -> None:
    class Signed(Middleware):
        def before_send_events(self, events: Any) -> Any:
            return [Event(event.name, {**event.data, "signed": True}, event.id) for event in events]

    @app.create_function(fn_id="account", trigger=OPENED, middleware=[Signed])
    async def account(ctx: Context) -> object:
        if ctx.event.data["number"] == 2:
            return ctx.event.data
        return await ctx.continue_as_new({"number": 2})

    host.send([opened()])
    assert chain(host)[-1].output == {"number": 2, "signed": True}


def test_a_successor_has_a_place_in_line_before_later_events(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="account", trigger=OPENED, concurrency=1)
    async def account(ctx: Context) -> None:
        await ctx.step.run("work", diary.write, f"{ctx.event.data['id']} {ctx.event.data['number']}")
        if ctx.event.data["number"] < 3:
            await ctx.continue_as_new({**ctx.event.data, "number": ctx.event.data["number"] + 1})

    host.send([Event("account/opened", {"id": str(place), "number": 1}) for place in range(3)])
    host.advance("1h")
    assert len(diary.entries) == 9
    assert all(run.status == "finished" for run in chain(host))


def test_time_to_finish_counts_for_each_run_and_time_to_start_for_the_first(app: App, host: Host, diary: Diary) -> None:
    subscription(app, diary, timeouts=Timeouts(start="1m", finish="2d"))
    host.send([opened()])
    for number in (1, 2, 3):
        host.advance("36h")
        host.send([paid(number)])
    assert chain(host)[-1].output == "closed after 3"


def test_on_failure_starts_for_the_run_that_failed(app: App, host: Host, diary: Diary) -> None:
    async def failed(ctx: Context) -> None:
        await ctx.step.run("note", diary.write, ctx.event.data["run_id"])

    @app.create_function(fn_id="account", trigger=OPENED, retries=0, on_failure=failed)
    async def account(ctx: Context) -> None:
        if ctx.event.data["number"] == 2:
            raise StepError("x", "Broken", "broken")
        await ctx.continue_as_new({"number": 2})

    host.send([opened()])
    assert diary.entries == [chain(host)[-1].id]


def items(cloud: Cloud) -> int:
    return cloud.clients.dynamodb.describe_table(TableName="tarry")["Table"]["ItemCount"]


def test_a_thousand_generations_cost_and_leave_the_same_each(app: App, host: Host, cloud: Cloud) -> None:
    """With TARRY_EXPLORE=all it is really a thousand: a minute."""
    last = 1_000 if os.environ.get("TARRY_EXPLORE") == "all" else 150
    calls, counted, left = Counter[str](), dict[int, Counter[str]](), dict[int, int]()

    @app.create_function(fn_id="account", trigger=OPENED, cancel=[Cancel(event="account/closed", match="data.id")])
    async def account(ctx: Context) -> None:
        await ctx.step.wait_for_event("tick", event="account/tick", match="data.id", timeout="30d")
        await ctx.continue_as_new({"id": "7", "number": ctx.event.data["number"] + 1})

    def note(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    host.send([opened()])
    sizes = []
    with cloud.dies(note):
        for number in range(1, last):
            calls.clear()
            cloud.send(Event("account/tick", {"id": "7"}, id=f"t-{number:04}"))
            cloud.pump()
            counted[number], left[number] = Counter(calls), items(cloud)
            cloud.advance("61s")
            sizes.append(len(stored(host.run()).chain.stored()))
    assert stored(host.run()).chain.number == last
    assert counted[last - 1] == counted[10]
    assert left[last - 1] - left[last - 2] == left[11] - left[10]
    assert max(sizes[10:]) - min(sizes[10:]) <= 2, "the number has up to four digits"
