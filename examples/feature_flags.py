"""One event resumes a hundred runs: each customer who asked for a feature gets it when it is released.

The example shows fan-out. An event is not consumed: it resumes every run that waits for it, even months later. While
the runs wait, nothing runs. Serve it with:

    tarry dev examples.feature_flags:app

Then send events from a second terminal:

    tarry send --file requests.jsonl
    tarry send flags/released '{"flag": "dark-mode"}'
    tarry runs --limit 100

The file requests.jsonl has lines such as:

    {"name": "flags/requested", "data": {"flag": "dark-mode", "customer": "c-1"}}

``make demo`` runs it with more than a hundred requests.
"""

import tarry

app = tarry.App("flags")


def switch_on(flag: str, customer: str) -> dict[str, str]:
    """Set the flag for one customer here."""
    return {"flag": flag, "customer": customer}


@app.create_function(fn_id="early-access", trigger=tarry.TriggerEvent(event="flags/requested"))
async def early_access(ctx: tarry.Context) -> str:
    released = await ctx.step.wait_for_event(
        "wait-for-release", event="flags/released", match="data.flag", timeout="90d"
    )
    if released is None:
        return "never released"
    await ctx.step.run("switch-on", switch_on, ctx.event.data["flag"], ctx.event.data["customer"])
    return "switched on"
