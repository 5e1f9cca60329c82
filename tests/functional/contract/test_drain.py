"""Drain, pause and limits: by hand, over HTTP, in tests. And runs that stand in line for more than a month."""

import json
from typing import Any

import pytest

from tarry import App, Concurrency, Context, Event, StepError, TriggerCron, TriggerEvent
from tarry_backend.model.trace import NoRun
from tarry_backend.queues.function_control import ControlError
from tarry_dev.cloud import Chaos, Cloud, Host, MovedClock
from tarry_dev.cloud.api import ask
from tests.functional.contract.diary import Diary

PLACED = TriggerEvent(event="placed")


@pytest.fixture(autouse=True)
def ship(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(2))
    async def ship(ctx: Context) -> str:
        await ctx.step.run("pack", diary.write, f"pack {ctx.event.data['id']}")
        event = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="90d")
        return await ctx.step.run("ship", diary.write, f"ship {ctx.event.data['id']} {event.id if event else None}")

    @app.create_function(fn_id="free", trigger=TriggerEvent(event="freed"))
    async def free(ctx: Context) -> None: ...


def told(method: str, path: str, **query: str) -> tuple[int, Any]:
    status, body = ask(method, path, query)
    return status, json.loads(body)


def test_a_draining_function_starts_no_run_and_all_that_it_has_finish(host: Host, diary: Diary) -> None:
    host.send("placed", {"id": "1"})
    host.drain("ship")
    host.send([Event("placed", {"id": "2"}, id="late")])
    host.send([Event("paid", {"id": "1"}, id="p-1")])
    assert diary.entries == ["pack 1", "ship 1 p-1"]
    assert [run.status for run in host.runs("ship")][:1] == ["finished"]
    (trace,) = host.receipt("late").unstarted
    assert (trace.why, trace.function_id) == (NoRun.DRAINING, "ship")
    assert "tarry drain" in str(trace)


def test_an_event_that_came_while_it_drained_starts_nothing_later_and_newer_ones_do(host: Host, diary: Diary) -> None:
    host.drain("ship")
    host.send([Event("placed", {"id": "1"}, id="o-1")])
    host.resume("ship")
    host.send([Event("placed", {"id": "1"}, id="o-1")])
    host.send([Event("placed", {"id": "2"}, id="o-2")])
    host.advance("1m")
    assert diary.entries == ["pack 2"]


def test_a_start_that_comes_again_while_the_function_drains_changes_nothing_of_its_run(
    app: App, host: Host, diary: Diary
) -> None:
    host.send([Event("placed", {"id": "1"}, id="o-1")])
    host.drain("ship")
    host.send([Event("placed", {"id": "1"}, id="o-1")])
    host.send([Event("paid", {"id": "1"}, id="p-1")])
    assert diary.entries == ["pack 1", "ship 1 p-1"]


def test_whoever_invokes_a_draining_function_gets_an_answer(app: App, host: Host) -> None:
    @app.create_function(fn_id="asker", trigger=TriggerEvent(event="asked"))
    async def asker(ctx: Context) -> str:
        try:
            await ctx.step.invoke_by_id("ship", function_id="ship", data={"id": "1"})
        except StepError as error:
            return f"{error.name}: {error.message}"
        return "shipped"

    host.drain("ship")
    host.send("asked")
    assert host.run("asker").status == "finished"
    assert "draining" in host.run("asker").output


def test_a_schedule_of_a_draining_function_starts_nothing(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="daily", trigger=TriggerCron("0 3 * * *"), concurrency=1)
    async def daily(ctx: Context) -> None:
        await ctx.step.run("work", diary.write, "work")

    host.drain("daily")
    host.advance("1d")
    host.resume("daily")
    host.advance("1d")
    assert diary.entries == ["work"]


def test_a_run_that_continues_as_a_new_one_does_so_while_its_function_drains(app: App, host: Host) -> None:
    @app.create_function(fn_id="loop", trigger=TriggerEvent(event="began"), concurrency=1)
    async def loop(ctx: Context) -> object:
        await ctx.step.sleep("rest", "1h")
        return "end" if ctx.event.data.get("number") else await ctx.continue_as_new({"number": 2})

    host.send("began")
    host.drain("loop")
    host.advance("3h")
    assert [run.output for run in host.runs("loop")] == [None, "end"]


@pytest.mark.parametrize("seed", range(3))
def test_with_duplicates_and_disorder_each_event_has_a_run_that_finished_or_a_trace(
    app: App, diary: Diary, seed: int
) -> None:
    with Cloud(app, clock=MovedClock()) as cloud:
        cloud.chaos = Chaos(seed=seed, processes=2, at_once=2, duplicates=0.4, disorder=0.4, throttled_writes=0.1)
        host = Host(cloud)
        host.send([Event("placed", {"id": str(number)}, id=f"a-{number}") for number in range(10)])
        host.advance("1m")
        host.drain("ship")
        host.advance("11s")
        host.send([Event("placed", {"id": str(number)}, id=f"b-{number}") for number in range(10)])
        host.advance("1h")
        host.send([Event("paid", {"id": str(number)}) for number in range(10)])
        host.advance("2h")
        assert sorted(run.status for run in host.runs("ship") if run.event.id.startswith("a")) == ["finished"] * 10
        why = [[each.why for each in host.receipt(f"b-{number}").unstarted] for number in range(10)]
        assert why == [[NoRun.DRAINING]] * 10


def test_the_api_pauses_drains_limits_and_resumes(host: Host, diary: Diary) -> None:
    assert told("GET", "/functions")[1]["functions"][0] == {
        "id": "ship",
        "pausable": True,
        "concurrency": [{"limit": 2, "key": None, "scope": "fn", "hold": "work"}],
        "limit_now": None,
        "paused": None,
        "draining": None,
        "waiting": [],
    }
    assert told("POST", "/functions/ship/pause")[0] == 202
    host.send("placed", {"id": "1"})
    assert diary.entries == []
    assert told("POST", "/functions/ship/drain")[1]["draining"] is not None
    host.send("placed", {"id": "2"})
    status, answer = told("POST", "/functions/ship/resume")
    assert (status, answer["paused"], answer["draining"]) == (202, None, None)
    host.advance("1m")
    assert diary.entries == ["pack 1"]
    assert told("POST", "/functions/ship/limit", limit="5")[1]["limit_now"] == 5
    assert told("POST", "/functions/ship/limit")[1]["limit_now"] is None


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/functions/none/pause", {}, 404),
        ("/functions/free/drain", {}, 409),
        ("/functions/ship/limit", {"limit": "0"}, 400),
        ("/functions/ship/limit", {"limit": "1001"}, 400),
        ("/functions/ship/limit", {"limit": "many"}, 400),
    ],
)
def test_the_api_says_what_cannot_be_controlled(host: Host, path: str, query: dict[str, str], status: int) -> None:
    assert told("POST", path, **query)[0] == status


def test_a_test_is_told_what_cannot_be_controlled(host: Host) -> None:
    with pytest.raises(ControlError, match="no limit"):
        host.pause("free")


def test_a_paused_function_is_resumed_in_a_test(host: Host, diary: Diary) -> None:
    host.pause("ship")
    host.send("placed", {"id": "1"})
    assert diary.entries == []
    host.resume("ship")
    host.advance("15s")
    assert diary.entries == ["pack 1"]


@pytest.mark.parametrize("days", [40, 100])
def test_l_a_run_that_stands_in_a_paused_line_for_many_days_goes_on_and_no_kept_step_runs_again(
    host: Host, diary: Diary, days: int
) -> None:
    """Time to live is prompt here. One run has a stored step, the other has none."""
    host.send("placed", {"id": "1"})
    host.pause("ship")
    host.send("placed", {"id": "2"})
    host.send([Event("paid", {"id": "1"}, id="p-1")])
    for _ in range(days // 4):
        # At once: else the gate, at which runs wait, would be looked at every five minutes.
        host.cloud.clock.move_to(host.cloud.clock.now() + 4 * 86_400_000)
        host.advance("2m")
        host.cloud.expire()
    assert diary.entries == ["pack 1"]
    host.resume("ship")
    host.advance("1m")
    assert diary.entries == ["pack 1", "ship 1 p-1", "pack 2"]
    assert [run.status for run in host.runs("ship")] == ["finished", "running"]
    assert host.dead_letters == []
