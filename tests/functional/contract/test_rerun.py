"""A rerun is a new run of the same event; from a step on it begins with what had ended before that step began."""

import asyncio

import pytest

from tarry import App, Cancel, Context, Event, Timeouts, TriggerEvent
from tarry_backend.queues.rerun_runs import RerunError, request_rerun
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, Host, HostedRun
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")


def order(app: App, diary: Diary) -> None:
    @app.create_function(
        fn_id="order",
        trigger=PLACED,
        cancel=[Cancel(event="stop", match="data.id")],
        timeouts=Timeouts(start="1h", finish="3d"),
    )
    async def order(ctx: Context) -> list[str]:
        async def ask() -> str:
            return await ctx.step.run("ask", diary.write, f"ask {ctx.event.data['id']}")

        await ctx.step.run("pay", diary.write, "pay")
        event = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1d")
        keys = await ctx.step.run("ship", lambda: diary.write(f"ship {ctx.step.idempotency_key}"))
        await asyncio.gather(ask(), ctx.step.sleep("rest", "1h"))
        last = await ctx.step.wait_for_event("again", event="paid", match="data.id", timeout="1d")
        return [event.id if event else "in vain", keys, last.id if last else "in vain"]


@pytest.fixture
def ended(app: App, host: Host, diary: Diary) -> HostedRun:
    order(app, diary)
    host.send([Event("placed", {"id": "7"}, id="o-1")])
    host.send([Event("paid", {"id": "7"}, id="p-1")])
    host.advance("2h")
    host.send([Event("paid", {"id": "7"}, id="p-2")])
    run = host.run()
    assert (run.status, run.output) == ("finished", ["p-1", f"ship {run.id}/ship", "p-2"])
    return run


def test_it_begins_with_what_had_ended_before_the_step_began_and_has_ids_of_its_own(
    host: Host, diary: Diary, ended: HostedRun
) -> None:
    again = host.rerun(ended, from_step="ship")
    assert again.id != ended.id
    assert list(again.steps) == ["pay", "paid", "ship", "ask", "rest"]
    assert diary.entries == ["pay", f"ship {ended.id}/ship", "ask 7", f"ship {again.id}/ship", "ask 7"]
    host.advance("1h")
    assert again.status == "finished", "p-2 answers it again: it came after the wait began to look"
    assert again.output == ["p-1", f"ship {again.id}/ship", "p-2"]
    assert (ended.status, in_indexes(host.cloud), host.dead_letters) == ("finished", set(), [])


def test_without_a_step_it_runs_from_the_beginning(host: Host, diary: Diary, ended: HostedRun) -> None:
    again = host.rerun(ended)
    assert (diary.entries[3:], list(again.steps)) == (["pay"], ["pay", "paid"])
    host.send([Event("paid", {"id": "7"}, id="p-3")])
    assert diary.entries[3:] == ["pay", f"ship {again.id}/ship", "ask 7"]
    assert again.steps["paid"].output.id == "p-3", "it counts from when the step before it began, in this run"


def test_steps_that_were_open_when_the_step_began_begin_anew(host: Host, diary: Diary, ended: HostedRun) -> None:
    again = host.rerun(ended, from_step="rest")
    assert list(again.steps) == ["pay", "paid", "ship", "ask", "rest"]
    assert diary.entries[3:] == ["ask 7"], "ask and rest began side by side"


def test_the_event_can_be_edited(host: Host, diary: Diary, ended: HostedRun) -> None:
    again = host.rerun(ended, from_step="ask", event={"data": {"id": "8"}})
    assert (diary.entries[-1], again.event.id) == ("ask 8", "o-1")
    host.advance("1h")
    host.send([Event("paid", {"id": "8"}, id="p-8")])
    assert again.output == ["p-1", f"ship {ended.id}/ship", "p-8"]


def test_a_repeated_request_makes_one_run(host: Host, app: App, diary: Diary, ended: HostedRun) -> None:
    made = {
        request_rerun(ended.id, app.functions, runtime().store, runtime().queues, nonce="n", step_key="ship").id
        for _ in range(2)
    }
    host.advance("2h")
    assert len(made) == 1
    assert diary.entries.count("ask 7") == 2
    request_rerun(ended.id, app.functions, runtime().store, runtime().queues, nonce="n", step_key="ship")
    host.advance("2h")
    assert diary.entries.count("ask 7") == 2


def test_what_cancelled_a_run_does_not_cancel_its_rerun_but_what_comes_later_does(
    app: App, host: Host, diary: Diary
) -> None:
    order(app, diary)
    host.send("placed", {"id": "7"})
    host.send("stop", {"id": "7"})
    run = host.run()
    host.advance("2d")
    assert run.status == "cancelled"
    again = host.rerun(run, from_step="paid")
    assert (again.status, list(again.steps)) == ("running", ["pay", "paid"])
    host.send("stop", {"id": "7"})
    assert (again.status, in_indexes(host.cloud)) == ("cancelled", set())
    late = host.rerun(run)
    host.advance("4d")
    assert late.status == "finished"


def test_the_invoker_of_a_run_hears_nothing_of_its_rerun(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="to-pack"))
    async def pack(ctx: Context) -> str:
        return await ctx.step.run("box", diary.write, "box")

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return await ctx.step.invoke("pack", function=pack, timeout="1h")

    host.send("placed")
    again = host.rerun(host.run("pack"))
    assert (again.output, host.run("order").output, diary.entries) == ("box", "box", ["box", "box"])
    assert host.rerun(host.run("order")).output == "box"
    assert len(diary.entries) == 3, "an invocation of a new run is a new one"


def test_what_cannot_be_run_again_is_refused(host: Host, app: App, ended: HostedRun) -> None:
    with pytest.raises(RerunError, match="has no step 'lost': it has 'pay', 'paid'"):
        host.rerun(ended, from_step="lost")
    with pytest.raises(RerunError, match="there is no run"):
        request_rerun("0" * 26, app.functions, runtime().store, runtime().queues, nonce="n")
    with pytest.raises(RerunError, match=r"no function 'order' \(any more\)"):
        request_rerun(ended.id, ["other"], runtime().store, runtime().queues, nonce="n")
    with pytest.raises(RerunError, match="JSON object with data, user"):
        host.rerun(ended, event={"name": "x"})
    host.advance("29d 12h")
    with pytest.raises(RerunError, match="time to live removes its steps"):
        host.rerun(ended, from_step="ship")
    assert host.rerun(ended).status == "running"


def test_whichever_call_an_executor_dies_at_a_rerun_ends_well() -> None:
    def ended_with(executor: Mortal) -> tuple[object, ...]:
        app, diary = App("shop"), Diary()

        @app.create_function(fn_id="order", trigger=PLACED, cancel=[Cancel(event="stop", match="data.id")])
        async def order(ctx: Context) -> str:
            await ctx.step.run("pay", diary.write, "pay")
            event = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1d")
            await ctx.step.run("ship", diary.write, "ship")
            return event.id if event else "in vain"

        with Cloud(app) as cloud:
            host = Host(cloud)
            host.send([Event("placed", {"id": "7"}, id="o-1")])
            host.send([Event("paid", {"id": "7"}, id="p-1")])
            new = request_rerun(
                host.run().id, app.functions, runtime().store, runtime().queues, nonce="n", step_key="ship"
            )
            with cloud.dies(executor):
                cloud.pump()
                host.advance("1h")
            run = HostedRun[object](new.id)
            guards = runtime().store.runs.load(new.id)
            assert guards is not None
            told = {event.id for event in host.events("tarry/function.finished")}
            entries = (diary.entries.count("pay"), "ship" in diary.entries)
            return run.status, run.output, entries, len(guards.guards), len(told), in_indexes(cloud), host.dead_letters

    immortal = Mortal("executor")
    alive = ended_with(immortal)
    assert alive == ("finished", "p-1", (1, True), 1, 2, set(), [])
    fates = list(deaths("executor", immortal.calls))
    assert {str(death): ended_with(Mortal("executor", death)) for death in fates} == dict.fromkeys(
        map(str, fates), alive
    )
