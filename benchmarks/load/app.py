"""The app under load: a run waits for the event with its own number, then takes its next step.

It stands alone, since it is deployed as a user's module is.
"""

import os
from typing import Any

import tarry

app = tarry.App("load")


def note(diary: str, *numbers: Any) -> None:
    """Writes a line into a file that others write into at the same time: whole, as it is appended at once."""
    file = os.open(diary, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, (" ".join(map(str, numbers)) + "\n").encode())
    finally:
        os.close(file)


@app.create_function(fn_id="waiter", trigger=tarry.TriggerEvent(event="load/asked"))
async def waiter(ctx: tarry.Context) -> None:
    """Notes its number and that of the event which has resumed it."""
    told = await ctx.step.wait_for_event("told", event="load/told", if_exp="async.data.n == event.data.n", timeout="1d")
    asked = ctx.event.data
    await ctx.step.run("next", note, asked["diary"], asked["n"], told.data["n"] if told else "timeout")
