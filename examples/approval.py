"""Human approval in an AI agent: the agent proposes a plan, then waits up to a day for a person's review.

There are three outcomes. The person approves the plan, rejects it with a comment, or stays silent. After a comment the
agent revises its plan and asks again. A review names its revision, so a second click on an old plan cannot approve a
newer one. Serve it with:

    tarry dev examples.approval:app

Then send events from a second terminal:

    tarry send agent/task.requested '{"taskId": "t-1", "task": "Move the blog to a new host"}'
    tarry send agent/plan.reviewed '{"taskId": "t-1", "revision": 0, "approved": false, "comment": "Back it up first"}'
    tarry send agent/plan.reviewed '{"taskId": "t-1", "revision": 1, "approved": true}'
    tarry runs
"""

import tarry

app = tarry.App("agent")

MAX_REVISIONS = 3


def propose_plan(task: str, comments: list[str]) -> list[str]:
    """Call your model here. This example has no model: the plan is fixed, and the comments come first."""
    return [*comments, f"Do it: {task}", "Check the result"]


def ask_reviewer(task_id: str, revision: int, plan: list[str]) -> None:
    """Show the plan to a person here, for example in a chat message with two buttons."""


def carry_out(plan: list[str]) -> list[str]:
    """Let the agent act here. It must act only once, and only after a person has approved the plan."""
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
            match="data.taskId",
            where={"data.revision": revision},
            timeout="24h",
        )
        if review is None:
            return "expired"
        if review.data["approved"]:
            await ctx.step.run("carry-out", carry_out, plan)
            return "done"
        comments.append(review.data["comment"])
    return "rejected"
