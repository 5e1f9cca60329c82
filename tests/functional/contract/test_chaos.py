"""Everything that AWS may do at once, over several seeds: the outcomes are those of the contract."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tarry import App, Cancel, Context, Event, StepError, TriggerCron, TriggerEvent
from tarry_dev.cloud import Chaos, Cloud, Host, HostedRun, MovedClock
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import expected
from tests.functional.contract.plays import play as play_story
from tests.functional.contract.stories import ANSWERS, STORIES
from tests.functional.contract.traces import in_indexes

USERS = ("ada", "bob", "cem")

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def chaos(seed: int) -> Chaos:
    return Chaos(
        seed=seed,
        processes=3,
        at_once=3,
        clocks={"matcher": 1.5, "executor": 2.0, "timers": -1.0, "sweep": 1.0},
        duplicates=0.3,
        disorder=0.3,
        timeouts=True,
        throttled_writes=0.02,
        index_lag=8,
        expiry=0.2,
    )


def add_functions(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="drip", trigger=TriggerEvent(event="signed-up"), cancel=[left("data.user")])
    async def drip(ctx: Context) -> str:
        user = ctx.event.data["user"]
        await ctx.step.run("welcome", diary.write, f"welcome {user}")
        await ctx.step.sleep("rest", "1d")
        bought = await ctx.step.wait_for_event("bought", event="bought", match="data.user", timeout="3d")
        if bought is None:
            await ctx.step.run("remind", diary.write, f"remind {user}")
            return "reminded"
        score = await ctx.step.invoke_by_id("score", function_id="score", data={"user": user})
        return f"bought {bought.id}, {score}"

    @app.create_function(fn_id="score", trigger=TriggerEvent(event="score"))
    async def score(ctx: Context) -> str:
        await ctx.step.sleep("rest", "5s")
        return await ctx.step.run("score", diary.write, f"score {ctx.event.data['user']}")

    @app.create_function(fn_id="vote", trigger=TriggerEvent(event="asked"))
    async def vote(ctx: Context) -> list[str]:
        votes = await ctx.step.wait_for_events("votes", event="voted", match="data.question", timeout="2h", count=4)
        return [vote.id for vote in votes]

    @app.create_function(fn_id="approve", trigger=TriggerEvent(event="asked"))
    async def approve(ctx: Context) -> list[Any]:
        legal, finance, chief = await asyncio.gather(
            ctx.step.wait_for_event("legal", event="legal", match="data.question", timeout="2h"),
            ctx.step.wait_for_event("finance", event="finance", match="data.question", timeout="2h"),
            ctx.step.wait_for_signal("chief", signal=f"chief/{ctx.event.data['question']}", timeout="2h"),
        )
        return [legal and legal.id, finance and finance.id, chief]

    @app.create_function(fn_id="fragile", trigger=TriggerEvent(event="asked"), retries=1, backoff=["10s"])
    async def fragile(ctx: Context) -> None:
        async def body() -> None:
            raise ValueError("always")

        try:
            await ctx.step.run("body", body)
        except StepError as error:
            await ctx.step.run("note", diary.write, f"failed: {error.message}")

    @app.create_function(fn_id="nightly", trigger=TriggerCron("0 3 * * *"))
    async def nightly(ctx: Context) -> None:
        await ctx.step.run("count", diary.write, "nightly")


def left(path: str) -> Cancel:
    return Cancel(event="left", match=path)


def send(host: Host, *events: tuple[str, str, dict[str, Any]]) -> None:
    host.send([Event(name, data, id=event_id) for name, event_id, data in events])


def play(host: Host) -> None:
    """A week. Each event comes hours away from the deadlines that it could meet."""
    send(host, *(("signed-up", user, {"user": user}) for user in USERS))
    host.advance("1h")
    send(host, ("left", "left-bob", {"user": "bob"}), ("asked", "q", {"question": "q"}))
    host.advance("1m")
    for number in range(4):
        send(host, ("voted", f"v{number}", {"question": "q"}), ("voted", f"other{number}", {"question": "r"}))
        host.advance("2m")
    send(host, ("finance", "yes", {"question": "q"}), ("legal", "yes", {"question": "q"}))
    host.signal("chief/q", "fine")
    host.advance("1d")
    host.advance("6h")
    send(host, ("bought", "b-ada", {"user": "ada"}))
    host.advance("1d")
    recover(host)
    host.advance("5d")
    recover(host)


def recover(host: Host) -> None:
    """What was throttled too often is a dead letter, with an alarm: one command puts it back."""
    for _ in range(5):
        if not host.dead_letters:
            return
        for name in host.cloud.queues:
            host.cloud.redrive(name)
        host.advance("20m")
    assert host.dead_letters == []


def outcome(run: HostedRun) -> tuple[str, str, str, Any]:
    return run.function_id, run.event.id if run.function_id != "score" else "", run.status, run.output


EXPECTED = {
    ("drip", "ada", "finished", "bought b-ada, score ada"),
    ("drip", "bob", "cancelled", None),
    ("drip", "cem", "finished", "reminded"),
    ("score", "", "finished", "score ada"),
}


@pytest.mark.parametrize("seed", range(4))
def test_with_all_that_aws_may_do_the_outcomes_are_those_of_the_contract(seed: int) -> None:
    app, diary = App("shop"), Diary()
    add_functions(app, diary)
    with Cloud(app, clock=MovedClock(START)) as cloud:
        host = Host(cloud)
        cloud.chaos = chaos(seed)
        play(host)
        runs = host.runs()
        drips = {outcome(run) for run in runs if run.function_id in ("drip", "score")}
        assert drips == EXPECTED
        by_function = {run.function_id: run for run in runs}
        assert sorted(by_function["vote"].output) == ["v0", "v1", "v2", "v3"]
        assert by_function["approve"].output == ["yes", "yes", "fine"]
        assert by_function["fragile"].status == "finished"
        counts = Counter(run.function_id for run in runs)
        assert counts == {"drip": 3, "score": 1, "vote": 1, "approve": 1, "fragile": 1, "nightly": 7}
        assert in_indexes(cloud) == set()
        assert set(diary.entries) == {
            *(f"welcome {user}" for user in USERS),
            "remind cem",
            "score ada",
            "failed: always",
            "nightly",
        }


@pytest.mark.parametrize("name", [*STORIES, *ANSWERS])
def test_each_story_has_its_outcome_and_each_body_runs_once_in_disorder_with_duplicates_and_clocks_that_differ(
    name: str,
) -> None:
    story = STORIES[name] if name in STORIES else ANSWERS[name]
    gentle = replace(chaos(len(name)), timeouts=False, throttled_writes=0)  # what is refused, or dies, runs again

    def begin(cloud: Cloud) -> None:
        cloud.chaos = gentle

    ending, _ = play_story(story, opened=begin)
    assert ending == expected(story, Counter())
