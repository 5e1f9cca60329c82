"""Retries beside each other, retries that are refused, and Lambdas that die over a retry."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from tarry import App, Context, Event, EventMatch, NonRetriableError, StepError, TriggerEvent
from tarry.function import FAILED
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.queues.retry_runs import RetryError, request_retry
from tarry_backend.runtime import host as deployed
from tarry_backend.runtime import runtime
from tarry_dev.cli.connection import Connection
from tarry_dev.cloud import Call, Cloud, Host
from tarry_dev.lookups import StoreLookups
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes
from tests.functional.serving import ask

PLACED = TriggerEvent(event="placed")


class Code:
    """The user's code, which is broken at first."""

    def __init__(self) -> None:
        self.diary = Diary()
        self.broken = True

    async def work(self, entry: str) -> str:
        await self.diary.write(entry)
        if self.broken:
            raise NonRetriableError("no such column")
        return entry


def shop(code: Code) -> App:
    """One run has all that a retry meets: kept steps, waits by two keys, a sleep, a guard, a compensation."""
    app = App("shop")

    async def sorry(ctx: Context) -> None:
        await ctx.step.run("refund", code.diary.write, f"sorry {ctx.event.data.get('life', 1)}")

    @app.create_function(fn_id="order", trigger=PLACED, retries=0, on_failure=sorry)
    async def order(ctx: Context) -> list[str | None]:
        await ctx.step.run("pay", code.diary.write, "pay")

        async def paid() -> str | None:
            matches = [EventMatch("paid", match="data.id"), EventMatch("lost", match="data.id")]
            event = await ctx.step.wait_for_first("paid", matches, timeout="2h")
            return event.id if event else None

        async def ship() -> str:
            try:
                return await ctx.step.run("ship", code.work, "ship")
            except StepError:
                await ctx.step.run("compensate", code.diary.write, "compensate")
                raise

        return list(await asyncio.gather(ship(), paid()))

    return app


def retried_with(dies: Callable[[Call], bool] | None) -> tuple[object, ...]:
    """A run fails, is retried after an event came, and ends; from the retry on a Lambda may die."""
    code = Code()
    app = shop(code)
    with Cloud(app) as cloud:
        host = Host(cloud)
        host.send("placed", {"id": "7"})
        run = host.run("order")
        assert run.status == "failed"
        host.send([Event("lost", {"id": "7"}, id="l-1")])
        code.broken = False
        request_retry(run.id, app.functions, runtime().store, runtime().queues)
        with cloud.dies(dies or (lambda call: False)):
            cloud.pump()
            host.advance("1h")
        ids = {event.id for event in host.events() if event.name.startswith("tarry/")}
        past = runtime().store.runs.load(run.id)
        assert past is not None
        return (
            run.status,
            run.output,
            set(code.diary.entries),
            Counter(code.diary.entries)["pay"],
            {each.removeprefix(run.id) for each in ids if each.startswith(run.id)},
            [each.step.key for each in past.past],
            past.run.life,
            in_indexes(cloud),
            host.dead_letters,
        )


def test_whichever_call_a_lambda_dies_at_a_retry_ends_well_and_each_kept_step_ran_once() -> None:
    immortal = Mortal("executor")
    alive = retried_with(immortal)
    assert alive == (
        "finished",
        ["ship", "l-1"],
        {"pay", "ship", "compensate", "sorry 1"},
        1,
        {"-failed", "-2-finished"},
        ["compensate"],
        2,
        set(),
        [],
    )
    assert len(immortal.calls) >= 8, "a query, the steps, the looks, the timers, the run, the step, the end, the bus"
    wrong = []
    for death in deaths("executor", immortal.calls):
        executor = Mortal("executor", death)
        if (ending := retried_with(executor)) != alive or not executor.has_died:
            wrong.append((str(death), ending))
    assert wrong == []


def test_an_executor_that_died_over_the_end_of_the_life_before_has_announced_it_before_the_next_begins() -> None:
    """The run has failed, and its executor is dead before it could tell: the retry comes before its message is back."""

    def ended_with(dies: Mortal) -> tuple[object, ...]:
        code = Code()
        app = shop(code)
        with Cloud(app) as cloud:
            host = Host(cloud)
            with cloud.dies(dies):
                host.send("placed", {"id": "7"})
            run = host.run("order")
            kept = runtime().store.runs.load(run.id)
            if kept is None or kept.run.status != "failed":
                return ()
            code.broken = False
            request_retry(run.id, app.functions, runtime().store, runtime().queues)
            host.advance("3h")
            told = {event.id for event in host.events(FAILED)}
            return run.status, told == {f"{run.id}-failed"}, "sorry 1" in code.diary.entries, in_indexes(cloud)

    immortal = Mortal("executor")
    alive = ended_with(immortal)
    assert alive == ("finished", True, True, set())
    endings = [ended_with(Mortal("executor", death)) for death in deaths("executor", immortal.calls)]
    assert set(map(str, endings)) == {str(alive), "()"}
    assert len([ending for ending in endings if ending]) >= 3, "the end, the announcement, the steps"


def test_a_lost_message_is_replaced_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code()
    app = shop(code)
    with Cloud(app) as cloud:
        host = Host(cloud)
        host.send("placed", {"id": "7"})
        run = host.run("order")
        code.broken = False

        class LostError(Exception):
            pass

        def lose(self: object, messages: object) -> int:
            raise LostError

        with monkeypatch.context() as patch:
            patch.setattr(type(runtime().queues), "send_to_runs", lose)
            with pytest.raises(LostError):
                request_retry(run.id, app.functions, runtime().store, runtime().queues)
        assert run.status == "running"
        host.advance("5m")
        assert run.steps["ship"].output == "ship"
        host.advance("3h")
        assert (run.output, in_indexes(cloud)) == (["ship", None], set())


def test_of_two_retries_side_by_side_one_wins_and_the_other_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code()
    app = shop(code)
    with Cloud(app) as cloud:
        host = Host(cloud)
        host.send("placed", {"id": "7"})
        run, store, queues = host.run("order"), runtime().store, runtime().queues
        load, beside = type(store.runs).load, []

        def load_and_lose(runs: Any, run_id: str) -> Any:
            found = load(runs, run_id)
            monkeypatch.undo()
            beside.append(request_retry(run_id, app.functions, store, queues))
            return found

        monkeypatch.setattr(type(store.runs), "load", load_and_lose)
        with pytest.raises(RetryError, match="somebody else"):
            request_retry(run.id, app.functions, store, queues)
        assert [each.life for each in beside] == [2]
        with pytest.raises(RetryError, match="is running, in life 2: there is nothing to retry"):
            request_retry(run.id, app.functions, store, queues)
        cloud.pump()
        assert Counter(code.diary.entries)["ship"] == 2


def test_what_cannot_be_retried_is_refused_with_what_to_do(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        await ctx.step.run("pay", diary.write, "pay")
        if ctx.event.data["end"] == "wait":
            await ctx.step.sleep("rest", "1h")
        if ctx.event.data["end"] == "fail":
            raise ValueError
        return "done"

    ends = ("finish", "wait", "fail")
    for end in ends:
        host.send("placed", {"end": end})
    runs = dict(zip(ends, host.runs(), strict=True))
    refused = {
        "finish": r"has finished: only a failed run can be retried; .* tarry rerun",
        "wait": "is running, in life 1: there is nothing to retry",
    }
    for end, why in refused.items():
        with pytest.raises(RetryError, match=why):
            host.retry(runs[end])
    host.cancel(runs["wait"])
    with pytest.raises(RetryError, match=r"was cancelled: .* tarry rerun"):
        host.retry(runs["wait"])
    for key, why in (("pay", "has kept the result of step .*pay.* leave the step out"), ("lost", "has no step 'lost'")):
        with pytest.raises(RetryError, match=why):
            host.retry(runs["fail"], from_step=key)
    with pytest.raises(RetryError, match="there is no run 00000000000000000000000000"):
        request_retry("0" * 26, app.functions, runtime().store, runtime().queues)
    with pytest.raises(RetryError, match=r"no function 'order' \(any more\), only \['other'\]"):
        request_retry(runs["fail"].id, ["other"], runtime().store, runtime().queues)
    assert runs["fail"].status == "failed"
    host.advance("29d 1h")
    with pytest.raises(RetryError, match=r"time to live removes its steps from .* on, .* tarry rerun"):
        host.retry(runs["fail"])


def test_an_invoker_that_was_answered_is_not_told_again_and_can_be_retried_after_the_run_that_it_invoked(
    app: App, host: Host, diary: Diary
) -> None:
    code = Code()
    code.diary = diary

    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="to-pack"), retries=0)
    async def pack(ctx: Context) -> str:
        return await ctx.step.run("box", code.work, "box")

    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        await ctx.step.run("pay", diary.write, "pay")
        return await ctx.step.invoke("pack", function=pack, timeout="1h")

    host.send("placed")
    packing, ordering = host.run("pack"), host.run("order")
    assert (packing.status, ordering.status) == ("failed", "failed")
    with pytest.raises(RetryError, match=f"retry that run first: tarry retry {packing.id}"):
        host.retry(ordering)
    code.broken = False
    host.retry(packing)
    assert (packing.status, ordering.status) == ("finished", "failed")
    host.retry(ordering)
    assert (ordering.status, ordering.output) == ("finished", "box")
    assert diary.entries == ["pay", "box", "box"]
    assert len(host.runs("pack")) == 1


def test_a_run_that_was_given_a_signal_too_late_has_it_in_its_next_life(app: App, host: Host, diary: Diary) -> None:
    code = Code()
    code.diary = diary

    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> Any:
        async def signalled() -> Any:
            return await ctx.step.wait_for_signal("word", signal="word", timeout="1h")

        async def ship() -> str:
            return await ctx.step.run("ship", code.work, "ship")

        return list(await asyncio.gather(signalled(), ship()))

    host.send("placed")
    run = host.run()
    assert run.status == "failed"
    assert host.signal("word", 1).status == "nobody waits"
    assert host.signal("word", 2, keep="1d").status == "kept"
    code.broken = False
    host.retry(run)
    assert (run.status, run.output) == ("finished", [2, "ship"])
    assert host.signal("word", 3).status == "nobody waits"


def test_a_bad_deploy_is_made_good_by_one_command_for_all_its_runs_and_each_effect_comes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty runs fail, the code is mended, one ``tarry retry --function order --status failed``."""
    code = Code()

    def release() -> App:
        app = App("shop")

        @app.create_function(fn_id="order", trigger=PLACED, retries=0)
        async def order(ctx: Context) -> str:
            n = ctx.event.data["n"]
            await ctx.step.run("pay", code.diary.write, f"pay {n}")
            if code.broken:
                await ctx.step.run("ship", lambda: ctx.event.data["adress"])
            return await ctx.step.run("ship", code.diary.write, f"ship {n}")

        return app

    with Cloud(release()) as cloud:
        host = Host(cloud)
        host.send([Event("placed", {"n": n}) for n in range(50)])
        assert [run.status for run in host.runs()] == ["failed"] * 50
        code.broken = False
        deployed(release())
        deployment = Deployment("shop", tuple(cloud.app.functions), runtime().settings, {})
        connection = Connection(deployment, StoreLookups(deployment, runtime().store))
        monkeypatch.setattr("tarry_dev.cli.bulk.connect", lambda stack: nullcontext(connection))
        retried = ask("retry", "--function", "order", "--status", "failed", "--yes", "--rate", "1000")
        assert (retried.exit_code, retried.stdout.splitlines()[-1]) == (0, "retried 50 of 50 runs of order")
        host.advance("1m")
        assert {run.status for run in host.runs()} == {"finished"}
        assert Counter(code.diary.entries) == Counter([f"{what} {n}" for n in range(50) for what in ("pay", "ship")])
        assert (in_indexes(cloud), host.dead_letters) == (set(), [])
