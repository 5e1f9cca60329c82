"""A failed attempt is logged at once: which of how many, the error, the user's line, the next time."""

import asyncio
import logging

import pytest

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Host

GO = TriggerEvent(event="go")


def charge() -> None:
    raise ConnectionError("the bank is shut")


LINE = f"{__file__} line {charge.__code__.co_firstlineno + 1}, in charge"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "tarry.attempts"]


def test_each_attempt_of_a_step_that_fails_is_a_line_but_for_the_last(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    @app.create_function(fn_id="pay", trigger=GO, retries=2, backoff=["1m"])
    async def pay(ctx: Context) -> None:
        await ctx.step.run("charge", charge)

    host.send("go")
    run = host.run()
    [first] = lines(caplog)
    assert first.startswith(
        f"step 'charge': attempt 1 of 3 failed: ConnectionError: the bank is shut ({LINE}); attempt 2"
    )
    step = run.steps["charge"]
    assert (step.attempts, step.place) == (3, LINE)
    assert f"charge (run): retrying, attempt 1 of 3 failed: ConnectionError: the bank is shut ({LINE}); next" in str(
        step
    )
    record = next(record for record in caplog.records if record.name == "tarry.attempts")
    assert (record.levelno, vars(record)["run_id"], vars(record)["function_id"]) == (logging.WARNING, run.id, "pay")
    host.advance("10m")
    assert [line.split(" failed")[0] for line in lines(caplog)] == [
        "step 'charge': attempt 1 of 3",
        "step 'charge': attempt 2 of 3",
    ]
    assert f"charge (run): failed at attempt 3 of 3: ConnectionError: the bank is shut ({LINE})" in repr(run)


def test_an_attempt_of_the_function_itself_is_a_line_too(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    @app.create_function(fn_id="odd", trigger=GO, retries=1, backoff=["1m"])
    async def odd(ctx: Context) -> None:
        charge()

    host.send("go")
    [line] = lines(caplog)
    assert line.startswith(
        f"function 'odd': attempt 1 of 2 failed: ConnectionError: the bank is shut ({LINE}); attempt 2"
    )
    assert "attempt 1 of 2 failed: ConnectionError: the bank is shut" in repr(host.run())
    host.advance("10m")
    assert len(lines(caplog)) == 1


def test_the_line_comes_while_another_step_goes_on(app: App, host: Host, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    @app.create_function(fn_id="pay", trigger=GO, retries=1, backoff=["1m"])
    async def pay(ctx: Context) -> None:
        async def pack() -> None:
            for _ in range(200):
                if lines(caplog):
                    break
                await asyncio.sleep(0.02)
            seen.append(len(lines(caplog)))

        await asyncio.gather(ctx.step.run("charge", charge), ctx.step.run("pack", pack))

    host.send("go")
    assert seen == [1]
