"""Human approval in an AI agent: the agent proposes a plan and waits, for a day if need be, for a person.

The person approves, rejects with a comment (the agent revises its plan and asks again), or stays silent: three
ends. A review names the revision that it is about, so that a second click on an old plan approves no new one.

    tarry dev examples.approval:app

and in a second terminal

    tarry send agent/task.requested '{"taskId": "t-1", "task": "Move the blog to a new host"}'
    tarry send agent/plan.reviewed '{"taskId": "t-1", "revision": 0, "approved": false, "comment": "Back it up first"}'
    tarry send agent/plan.reviewed '{"taskId": "t-1", "revision": 1, "approved": true}'
    tarry runs
"""

import tarry

app = tarry.App("agent")

MAX_REVISIONS = 3


def propose_plan(task: str, comments: list[str]) -> list[str]:
    """Stands where the model is called. No model here: it plans by rote, and puts each comment first."""
    return [*comments, f"Do it: {task}", "Check the result"]


def ask_reviewer(task_id: str, revision: int, plan: list[str]) -> None:
    """Stands where the plan is shown to a person: a chat message with two buttons, say."""


def carry_out(plan: list[str]) -> list[str]:
    """Stands where the agent acts. It must not happen without a person's consent, nor twice."""
    return [f"done: {action}" for action in plan]


@app.create_function(fn_id="agent", trigger=tarry.TriggerEvent(event="agent/task.requested"))
async def agent(ctx: tarry.Context) -> str:
    task, comments = ctx.event.data["task"], list[str]()
    for revision in range(MAX_REVISIONS + 1):
        plan = await ctx.step.run("propose-plan", propose_plan, task, comments)
        await ctx.step.run("ask-reviewer", ask_reviewer, ctx.event.data["taskId"], revision, plan)

        review = await ctx.step.wait_for_event(
            "wait-for-review",
            event="agent/plan.reviewed",
            # The number is the loop's own; what comes from outside is compared, never pasted in.
            if_exp=f"async.data.taskId == event.data.taskId && async.data.revision == {revision}",
            timeout="24h",
        )
        if review is None:
            return "expired"
        if review.data["approved"]:
            await ctx.step.run("carry-out", carry_out, plan)
            return "done"
        comments.append(review.data["comment"])
    return "rejected"
