"""A step that runs at most once: an executor dies at each of its calls, and the body never runs twice."""

import asyncio
from dataclasses import replace

import pytest

from tarry import App, Context, NonRetriableError, StepError, TriggerEvent
from tarry_dev.cloud import Chaos, Cloud, Host
from tests.functional.contract.deaths import Death
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import deaths, play
from tests.functional.contract.stories import Story


async def charge(ctx: Context, diary: Diary) -> str:
    try:
        paid = await ctx.step.with_options(at_most_once=True).run("charge", diary.write, "charge")
    except StepError as error:
        paid = error.name
    await ctx.step.run("ship", diary.write, "ship")
    return paid


STORY = Story(charge, "charge", ("charge", "ship"))


def fates(*, orderly: bool) -> list[Death]:
    return [replace(death, orderly=orderly) for death in deaths(STORY) if death.function == "executor"]


@pytest.mark.parametrize("orderly", [False, True], ids=["dies", "fails"])
def test_at_whichever_call_its_executor_ends_the_body_runs_at_most_once_and_the_run_goes_on(orderly: bool) -> None:
    seen: dict[tuple[object, int], list[str]] = {}
    for death in fates(orderly=orderly):
        ending, watch = play(STORY, death)
        assert watch.has_died, f"it was to die {death}"
        status, output = ending.outcome
        assert (status, ending.left) == ("finished", frozenset()), f"{death}: {ending}"
        assert ending.bodies["ship"] == 1 + watch.lost["ship"], f"{death}: {ending}"
        seen.setdefault((output, ending.bodies["charge"]), []).append(str(death))
    assert set(seen) == {
        ("charge", 1),  # before the note, or once the result was kept
        ("StepInterruptedError", 0),  # between the note and the body
        ("StepInterruptedError", 1),  # in the body, or before its result was kept
    }, seen


def test_a_message_that_comes_again_while_the_body_runs_does_not_run_it_twice() -> None:
    """The executor's time is over in the body, and its message comes again: the dead one's end is refused."""
    app, diary = App("shop"), Diary()

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=1, backoff=["1s"])
    async def order(ctx: Context) -> str:
        async def slow() -> str:
            await diary.write("charge")
            cloud.clock.move_to(cloud.clock.now() + 200_000)
            return "paid"

        try:
            return await ctx.step.with_options(at_most_once=True).run("charge", slow)
        except StepError as error:
            return error.name

    with Cloud(app) as cloud:
        cloud.chaos = Chaos(timeouts=True)
        host = Host(cloud)
        host.send("placed")
        host.advance("1h")
        assert host.run("order").output == "StepInterruptedError"
        assert diary.entries == ["charge"]


@pytest.mark.parametrize("ending", ["the run's end", "a death"])
def test_a_retry_of_the_run_does_not_repeat_a_body_that_was_cut_off(ending: str) -> None:
    """Of two branches one is cut off in its body; the other fails the run, and is what the retry goes on from."""
    app, diary = App("shop"), Diary()
    broken, dies = True, ending == "a death"

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=0)
    async def order(ctx: Context) -> list[str]:
        async def slow() -> str:
            nonlocal dies
            await diary.write("charge")
            if dies:
                dies = False
                cloud.clock.move_to(cloud.clock.now() + 200_000)
            else:
                await asyncio.sleep(10)
            return "paid"

        async def ship() -> str:
            await asyncio.sleep(0.3)
            if broken:
                raise NonRetriableError("no such column")
            return "shipped"

        async def charged() -> str:
            try:
                return await ctx.step.with_options(at_most_once=True).run("charge", slow)
            except StepError as error:
                return error.name

        return list(await asyncio.gather(charged(), ctx.step.run("ship", ship)))

    with Cloud(app) as cloud:
        cloud.chaos = Chaos(timeouts=True)
        host = Host(cloud)
        host.send("placed")
        host.advance("1h")
        assert host.run().status == "failed"
        broken = False
        host.retry(host.run())
        host.advance("1h")
        assert host.run().output == ["StepInterruptedError", "shipped"]
        assert diary.entries == ["charge"]


def test_a_retry_from_the_step_itself_runs_it_again_as_its_asker_wishes() -> None:
    app, diary = App("shop"), Diary()
    dies = True

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=0)
    async def order(ctx: Context) -> str:
        async def body() -> str:
            nonlocal dies
            await diary.write("charge")
            if dies:
                dies = False
                cloud.clock.move_to(cloud.clock.now() + 200_000)
            return "paid"

        return await ctx.step.with_options(at_most_once=True).run("charge", body)

    with Cloud(app) as cloud:
        cloud.chaos = Chaos(timeouts=True)
        host = Host(cloud)
        host.send("placed")
        host.advance("1h")
        error = host.run().steps["charge"].error
        assert error is not None
        assert error.name == "StepInterruptedError"
        host.retry(host.run())
        assert (host.run().output, diary.entries) == ("paid", ["charge", "charge"])


def test_a_retry_does_not_repeat_it_either_if_it_was_cut_off_after_the_step_to_go_on_from_had_failed() -> None:
    app, diary = App("shop"), Diary()
    broken = True

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=0)
    async def order(ctx: Context) -> str:
        async def slow() -> None:
            await diary.write("charge")
            await asyncio.sleep(1)  # until the other step's failure is stored
            cloud.clock.move_to(cloud.clock.now() + 200_000)

        def ship() -> str:
            if broken:
                raise NonRetriableError("no such column")
            return "shipped"

        charged, shipped = await asyncio.gather(
            ctx.step.with_options(at_most_once=True).run("charge", slow),
            ctx.step.run("ship", ship),
            return_exceptions=True,
        )
        if isinstance(shipped, StepError):
            raise shipped
        assert isinstance(charged, StepError)
        return charged.name

    with Cloud(app) as cloud:
        cloud.chaos = Chaos(timeouts=True)
        host = Host(cloud)
        host.send("placed")
        host.advance("1h")
        assert host.run().status == "failed"
        broken = False
        host.retry(host.run())
        host.advance("1h")
        assert (host.run().output, diary.entries) == ("StepInterruptedError", ["charge"])
