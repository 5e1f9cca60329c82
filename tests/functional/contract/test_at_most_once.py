"""A step that runs at most once: an executor dies at each of its calls, and the body never runs twice."""

from dataclasses import replace

import pytest

from tarry import App, Context, StepError, TriggerEvent
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
