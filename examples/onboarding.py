"""A mail campaign that waits: a welcome first, then tips for an active user or a nudge after three silent days.

The example shows a wait that matches by content and times out. An account event starts the run. The run resumes with
the event that carries the same ``userId``, however many accounts are waiting. Serve it with:

    tarry dev examples.onboarding:app

Then send events from a second terminal:

    tarry send app/account.created '{"userId": "u-1", "email": "ada@shop.test"}'
    tarry waits
    tarry send app/onboarding.completed '{"userId": "u-1", "email": "ada@shop.test"}'
    tarry runs
"""

import tarry

app = tarry.App("shop")


def send_email(to: str, template: str) -> dict[str, str]:
    return {"to": to, "template": template}  # call your mail provider here


@app.create_function(fn_id="onboarding", trigger=tarry.TriggerEvent(event="app/account.created"))
async def onboarding(ctx: tarry.Context) -> str:
    email = ctx.event.data["email"]
    await ctx.step.run("send-welcome-email", send_email, email, "welcome")

    completed = await ctx.step.wait_for_event(
        "wait-for-onboarding", event="app/onboarding.completed", match="data.userId", timeout="3d"
    )
    if completed is None:
        await ctx.step.run("send-nudge-email", send_email, email, "nudge")
        return "nudged"
    await ctx.step.run("send-tips-email", send_email, email, "tips")
    return "onboarded"
