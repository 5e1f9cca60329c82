"""A mail campaign that waits: a welcome, then tips for who gets going, or a nudge after three silent days.

It shows a wait with content and timeout. The run starts with an account, and goes on with the event that carries
the same ``userId``, however many accounts are waiting.

    tarry dev examples.onboarding:app

and in a second terminal

    tarry send app/account.created '{"userId": "u-1", "email": "ada@shop.test"}'
    tarry waits
    tarry send app/onboarding.completed '{"userId": "u-1", "email": "ada@shop.test"}'
    tarry runs
"""

from datetime import timedelta

import tarry

app = tarry.App("shop")


def send_email(to: str, template: str) -> dict[str, str]:
    """Stands where the call of your mail provider goes."""
    return {"to": to, "template": template}


@app.create_function(fn_id="onboarding", trigger=tarry.TriggerEvent(event="app/account.created"))
async def onboarding(ctx: tarry.Context) -> str:
    await ctx.step.run("send-welcome-email", send_email, ctx.event.data["email"], "welcome")

    completed = await ctx.step.wait_for_event(
        "wait-for-onboarding",
        event="app/onboarding.completed",
        if_exp="async.data.userId == event.data.userId",
        timeout=timedelta(days=3),
    )
    if completed is None:
        await ctx.step.run("send-nudge-email", send_email, ctx.event.data["email"], "nudge")
        return "nudged"
    await ctx.step.run("send-tips-email", send_email, completed.data["email"], "tips")
    return "onboarded"
