"""The app that the tests of tests/e2e deploy. Its timeouts come with the events, in seconds."""

from typing import Any

import tarry

RELEASE = 1  # a later deployment of the tests raises it

app = tarry.App("e2e")


def mail(to: str, template: str) -> dict[str, str]:
    """What a mail provider would be told."""
    return {"to": to, "template": template}


@app.create_function(fn_id="onboarding", trigger=tarry.TriggerEvent(event="app/account.created"))
async def onboarding(ctx: tarry.Context) -> str:
    """The campaign: tips for who gets going, a nudge for who does not."""
    await ctx.step.run("welcome", mail, ctx.event.data["email"], "welcome")
    completed = await ctx.step.wait_for_event(
        "onboarded",
        event="app/onboarding.completed",
        if_exp="async.data.userId == event.data.userId",
        timeout=ctx.event.data["seconds"] * 1000,
    )
    if completed is None:
        await ctx.step.run("nudge", mail, ctx.event.data["email"], "nudge")
        return "nudged"
    await ctx.step.run("tips", mail, completed.data["email"], "tips")
    return "onboarded"


@app.create_function(fn_id="approval", trigger=tarry.TriggerEvent(event="agent/task.requested"))
def approval(ctx: tarry.ContextSync) -> str:
    """A person decides, in the other face of the SDK."""
    plan = ctx.step.run("plan", lambda: {"actions": 2})
    review = ctx.step.wait_for_event(
        "review",
        event="agent/plan.reviewed",
        if_exp="async.data.taskId == event.data.taskId && async.data.reviewer in ['ada', 'grace']",
        timeout="1h",
    )
    if review is None or not review.data["approved"]:
        return "rejected"
    return f"did {ctx.step.run('act', lambda: plan['actions'])} actions"


@app.create_function(fn_id="feature", trigger=tarry.TriggerEvent(event="app/trial.started"))
async def feature(ctx: tarry.Context) -> str:
    """One flag, and everybody who waits for it."""
    switched = await ctx.step.wait_for_event(
        "flag", event="flag/enabled", if_exp="async.data.flag == event.data.flag", timeout="1h"
    )
    return await ctx.step.run("show", lambda: "timeout" if switched is None else "shown")


@app.create_function(fn_id="upload", trigger=tarry.TriggerEvent(event="app/upload.requested"))
async def upload(ctx: tarry.Context) -> int:
    """Waits for an event that S3 puts, in S3's words."""
    created = await ctx.step.wait_for_event(
        "created", event="Object Created", if_exp="async.data.object.key == event.data.key", timeout="1h"
    )
    size: int = created.data["object"]["size"] if created else -1
    return size


@app.create_function(fn_id="faulty", trigger=tarry.TriggerEvent(event="app/faulty.called"), retries=0)
async def faulty(ctx: tarry.Context) -> None:
    """Ends in an error."""
    await ctx.step.run("divide", lambda: 1 // 0)


@app.create_function(fn_id="release", trigger=tarry.TriggerEvent(event="app/release.asked"))
async def release(ctx: tarry.Context) -> dict[str, Any]:
    """Says which release it ran on before its wait, and on which after it."""
    before = await ctx.step.run("before", lambda: RELEASE)
    await ctx.step.wait_for_event("told", event="app/release.told", if_exp="async.data.n == event.data.n", timeout="1h")
    after = await ctx.step.run("after", lambda: RELEASE)
    return {"before": before, "after": after}
