"""A failed run that is retried goes on in place: what it kept stays, what it waited for is waited for again."""

import asyncio

import pytest

from tarry import App, Cancel, Context, Event, EventMatch, StepError, Timeouts, TriggerEvent
from tarry.function import FAILED
from tarry_backend.clock import now
from tarry_backend.model.run import RunSnapshot
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host, HostedRun
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")


class Deploy:
    """The user's code, as it is deployed: broken at first."""

    def __init__(self, diary: Diary) -> None:
        self.broken = True
        self._diary = diary

    async def work(self, entry: str) -> str:
        await self._diary.write(entry)
        if self.broken:
            raise ValueError("no such column")
        return entry


@pytest.fixture
def deploy(diary: Diary) -> Deploy:
    return Deploy(diary)


@pytest.fixture
def failed(app: App, host: Host, diary: Diary, deploy: Deploy) -> HostedRun:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        paid = await ctx.step.run("pay", diary.write, "pay")
        return f"{paid} {await ctx.step.run('ship', deploy.work, 'ship')}"

    host.send("placed")
    assert host.run().status == "failed"
    return host.run()


def test_a_failed_run_goes_on_from_the_step_that_ended_it_and_kept_steps_do_not_run_again(
    host: Host, diary: Diary, deploy: Deploy, failed: HostedRun
) -> None:
    deploy.broken = False
    host.retry(failed)
    assert (failed.status, failed.output) == ("finished", "pay ship")
    assert diary.entries == ["pay", "ship", "ship"]
    assert host.dead_letters == []


def test_a_function_that_raised_an_error_of_its_own_goes_on_where_it_raised_and_drops_nothing(
    app: App, host: Host, diary: Diary, deploy: Deploy
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=1, backoff=["1s"])
    async def order(ctx: Context) -> str:
        paid = await ctx.step.run("pay", diary.write, "pay")
        if deploy.broken:
            raise KeyError("total")
        return await ctx.step.run("ship", diary.write, f"{paid} ship")

    host.send("placed")
    host.advance("1m")
    assert host.run().status == "failed"
    host.retry(host.run())
    assert host.run().status == "running", "the function has all its attempts again"
    deploy.broken = False
    host.advance("1m")
    assert (host.run().output, diary.entries) == ("pay ship", ["pay", "pay ship"])


@pytest.mark.parametrize("wrapped", [False, True], ids=["raised", "raised from it"])
def test_what_began_after_the_step_had_failed_is_dropped_and_shown_under_its_life(
    app: App, host: Host, diary: Diary, deploy: Deploy, wrapped: bool
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        await ctx.step.run("pay", diary.write, "pay")
        try:
            shipped: str = await ctx.step.run("ship", deploy.work, "ship")
        except StepError as error:
            await ctx.step.run("refund", diary.write, "refund")
            await ctx.step.sleep("rest", "1h")
            if wrapped:
                raise RuntimeError("not shipped") from error
            raise
        return shipped

    host.send("placed")
    host.advance("2h")
    run = host.run()
    assert (run.status, list(run.steps)) == ("failed", ["pay", "ship", "refund", "rest"])
    deploy.broken = False
    host.retry(run)
    assert (run.status, run.output, list(run.steps)) == ("finished", "ship", ["pay", "ship"])
    assert [(past.life, past.step.key) for past in snapshot(run).past] == [(1, "refund"), (1, "rest")]


def snapshot(run: HostedRun) -> RunSnapshot:
    found = runtime().store.runs.load(run.id)
    assert found is not None
    return found


def waits_beside(app: App, deploy: Deploy) -> None:
    """A wait is open, in a branch beside the step that fails."""

    @app.create_function(
        fn_id="order", trigger=PLACED, retries=0, cancel=[Cancel(event="stop", match="data.id", timeout="10d")]
    )
    async def order(ctx: Context) -> list[str | None]:
        async def paid() -> str | None:
            event = await ctx.step.wait_for_event(
                "paid", event="paid", if_exp="async.data.id == event.data.id || async.data.all", timeout="2h"
            )
            return event.id if event else None

        async def packed() -> str | None:
            event = await ctx.step.wait_for_first(
                "packed", [EventMatch("packed", match="data.id"), EventMatch("lost", match="data.id")], timeout="3d"
            )
            return event.id if event else None

        async def rested() -> str:
            await ctx.step.sleep("rest", "3h")
            return "rested"

        return list(await asyncio.gather(ctx.step.run("ship", deploy.work, "ship"), paid(), packed(), rested()))


@pytest.fixture
def beside(app: App, host: Host, deploy: Deploy) -> HostedRun:
    waits_beside(app, deploy)
    host.send("placed", {"id": "7"})
    run = host.run()
    assert (run.status, in_indexes(host.cloud)) == ("failed", set())
    deploy.broken = False
    return run


def test_waits_sleeps_and_guards_come_back_with_their_since_and_deadline(host: Host, beside: HostedRun) -> None:
    before = {part.key: (part.began, part.wait and part.wait.since, part.due) for part in snapshot(beside).parts}
    host.advance("1h")
    host.retry(beside)
    assert beside.status == "running"
    after = {part.key: (part.began, part.wait and part.wait.since, part.due) for part in snapshot(beside).parts}
    assert after == before
    host.send([Event("paid", {"id": "7"}, id="p-1")])
    host.send([Event("lost", {"id": "7"}, id="l-1")])
    host.advance("1h")
    assert beside.status == "running"
    host.advance("1h")
    assert (beside.status, beside.output) == ("finished", ["ship", "p-1", "l-1", "rested"])
    assert in_indexes(host.cloud) == set()


@pytest.mark.parametrize("name", ["packed", "lost"])
def test_an_event_that_came_between_the_failure_and_the_retry_is_found(
    host: Host, beside: HostedRun, name: str
) -> None:
    host.send([Event("paid", {"all": True}, id="p-1"), Event(name, {"id": "7"}, id="x-1")])
    host.advance("1h")
    assert beside.status == "failed"
    host.retry(beside)
    host.advance("2h")
    assert (beside.status, beside.output) == ("finished", ["ship", "p-1", "x-1", "rested"])


def test_a_deadline_that_passed_meanwhile_gives_none_unless_an_event_came_before_it(
    host: Host, beside: HostedRun
) -> None:
    host.advance("1d")
    host.send([Event("packed", {"id": "7"}, id="x-1"), Event("paid", {"id": "7"}, id="late")])
    host.advance("4d")
    host.retry(beside)
    host.advance("10s")
    assert (beside.status, beside.output) == ("finished", ["ship", None, "x-1", "rested"])
    assert in_indexes(host.cloud) == set()


def test_a_cancel_that_came_meanwhile_cancels_at_once(host: Host, diary: Diary, beside: HostedRun) -> None:
    host.send([Event("stop", {"id": "7"}, id="s-1")])
    host.retry(beside)
    assert (beside.status, beside.cancellation and beside.cancellation.event_id) == ("cancelled", "s-1")
    assert diary.entries == ["ship"]
    assert [event.id for event in host.events("tarry/function.cancelled")] == [f"{beside.id}-2-cancelled"]
    assert in_indexes(host.cloud) == set()


def test_a_cancel_by_the_app_that_came_meanwhile_cancels_at_once(
    app: App, host: Host, diary: Diary, beside: HostedRun
) -> None:
    app.cancel(beside.id)
    host.advance("1m")
    assert beside.status == "failed"
    host.retry(beside)
    assert (beside.status, diary.entries) == ("cancelled", ["ship"])


def test_an_event_guard_cancels_a_run_that_was_retried(host: Host, beside: HostedRun) -> None:
    host.retry(beside)
    host.send([Event("stop", {"id": "7"}, id="s-1")])
    assert (beside.status, in_indexes(host.cloud)) == ("cancelled", set())


def test_a_run_that_fails_again_is_told_again_with_its_life_and_on_failure_starts_again(
    app: App, host: Host, deploy: Deploy
) -> None:
    async def sorry(ctx: Context) -> int:
        life: int = ctx.event.data.get("life", 1)
        return life

    @app.create_function(fn_id="order", trigger=PLACED, retries=0, on_failure=sorry)
    async def order(ctx: Context) -> str:
        return await ctx.step.run("ship", deploy.work, "ship")

    host.send("placed")
    run = host.run("order")
    host.retry(run)
    host.retry(run)
    assert [each.output for each in host.runs("order-failure")] == [1, 2, 3]
    assert [event.id for event in host.events(FAILED)] == [
        f"{run.id}-failed",
        f"{run.id}-2-failed",
        f"{run.id}-3-failed",
    ]
    deploy.broken = False
    host.retry(run)
    assert [event.id for event in host.events("tarry/function.finished")][-1] == f"{run.id}-4-finished"
    assert [life.step for life in snapshot(run).run.past_lives] == ["ship"] * 3


def test_a_step_goes_on_with_all_its_attempts_and_parallel_steps_that_failed_after_it_do_too(
    app: App, host: Host, diary: Diary, deploy: Deploy
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=1, backoff=["1s"])
    async def order(ctx: Context) -> list[str]:
        return list(await asyncio.gather(*(ctx.step.run(f"ship {n}", deploy.work, n) for n in "abc")))

    host.send([Event("placed", id="p-307")])  # by its jitter, all steps are due in the same second of a queue
    host.advance("1m")
    run = host.run()
    assert (run.status, diary.entries) == ("failed", ["a", "b", "c"] * 2)
    host.retry(run)
    assert run.status == "running"
    deploy.broken = False
    host.advance("1m")
    assert (run.status, run.output, diary.entries) == ("finished", ["a", "b", "c"], ["a", "b", "c"] * 4)


def test_a_race_that_the_failed_step_has_decided_is_run_again(app: App, host: Host, deploy: Deploy) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str | None:
        async def ship() -> str:
            await ctx.step.run("ship", deploy.work, "ship")
            await ctx.step.sleep("way", "2h")
            return "shipped"

        async def paid() -> str | None:
            event = await ctx.step.wait_for_event("paid", event="paid", timeout="1h")
            return event.id if event else None

        return await ctx.group.race([ship, paid])

    host.send("placed")
    run = host.run()
    assert (run.status, run.steps["paid"].status) == ("failed", "withdrawn")
    deploy.broken = False
    host.retry(run)
    assert run.steps["paid"].status == "waiting"
    host.send([Event("paid", id="p-1")])
    assert (run.output, run.steps["way"].status, in_indexes(host.cloud)) == ("p-1", "withdrawn", set())


def test_the_time_of_a_run_does_not_pass_while_the_run_has_failed(app: App, host: Host, deploy: Deploy) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0, timeouts=Timeouts(finish="2h"))
    async def order(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        await ctx.step.run("ship", deploy.work, "ship")
        await ctx.step.sleep("rest", "2h")
        return "late"

    host.send("placed")
    host.advance("1h")
    host.advance("2d")
    deploy.broken = False
    host.retry(host.run())
    host.advance("59m")
    assert host.run().status == "running"
    host.advance("2m")
    assert host.run().status == "cancelled"


def test_a_person_names_the_step_for_which_an_error_of_the_function_stands(
    app: App, host: Host, diary: Diary, deploy: Deploy
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        try:
            return await ctx.step.run("ship", deploy.work, "ship")
        except StepError:
            raise RuntimeError("not shipped") from None

    host.send("placed")
    run = host.run()
    deploy.broken = False
    host.retry(run)
    assert (run.status, run.life, diary.entries) == ("failed", 2, ["ship"]), "it fails just so again"
    host.retry(run, from_step="ship")
    assert (run.output, run.life, diary.entries) == ("ship", 3, ["ship", "ship"])


def test_all_that_a_retried_run_has_stored_expires_after_its_end(host: Host, beside: HostedRun) -> None:
    """Further keys of waits that ended in the first life too, and the steps that were dropped."""
    host.send([Event("paid", {"all": True}, id="p-1")])
    host.retry(beside)
    live = _expires(host, beside)
    leased = {f"step#{step.key}" for step in snapshot(beside).parts if not step.is_open}
    assert "step#ship" in leased
    assert {key for key, expires in live.items() if expires} <= leased, "the run, open steps and dropped ones stay"
    host.send([Event("lost", {"id": "7"}, id="l-1")])
    host.advance("4h")
    assert beside.status == "finished"
    kept = _expires(host, beside)
    assert set(kept.values()) == {True}
    assert {"wait#paid#1", "wait#packed#1"} <= kept.keys()


def _expires(host: Host, run: HostedRun) -> dict[str, bool]:
    """Whether time to live removes each item of the run, by sort key."""
    items = host.cloud.clients.dynamodb.scan(TableName="tarry")["Items"]
    return {item["sk"]["S"]: "expires" in item for item in items if item["pk"]["S"] == f"run#{run.id}"}


def test_a_run_that_never_began_for_its_guards_expression_begins_once_that_is_mended(app: App, host: Host) -> None:
    broken = Cancel(event="stop", if_exp="async.data.id == event.data.order")

    async def order(ctx: Context) -> str:
        return "done"

    app.create_function(fn_id="order", trigger=PLACED, cancel=[broken])(order)
    host.send("placed", {"id": "7"})
    run = host.run()
    assert run.status == "failed"
    del app._functions["order"]
    app.create_function(fn_id="order", trigger=PLACED, cancel=[Cancel(event="stop", match="data.id")])(order)
    host.retry(run)
    assert (run.status, run.output) == ("finished", "done")


def test_dropped_steps_and_a_clock_that_is_wrong_end_no_sleep_early(
    host: Host, beside: HostedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the person who asks is two days ahead."""
    ahead = now() + 2 * 86_400_000
    with monkeypatch.context() as patch:
        patch.setattr("tarry_backend.queues.retry_runs.now", lambda: ahead)
        host.retry(beside)
    assert (beside.steps["rest"].status, beside.steps["ship"].status) == ("sleeping", "done")
    host.advance("2h")
    assert beside.steps["rest"].status == "sleeping"
