"""One event, a hundred runs: who asked for a feature is let in when it is released, months later if need be.

It shows fan-out. An event is not consumed: each run that waits for it goes on. While they wait nothing runs.

    tarry dev examples.feature_flags:app

and in a second terminal

    tarry send --file requests.jsonl
    tarry send flags/released '{"flag": "dark-mode"}'
    tarry runs --limit 100

where requests.jsonl holds lines such as

    {"name": "flags/requested", "data": {"flag": "dark-mode", "customer": "c-1"}}

``make demo`` runs it with a hundred requests.
"""

import tarry

app = tarry.App("flags")


def switch_on(flag: str, customer: str) -> dict[str, str]:
    """Stands where the flag is set for one customer."""
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
