"""The app that the tests of tests/e2e deploy. Its timeouts come with the events, in seconds."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import tarry

RELEASE = 1  # a later deployment of the tests raises it

FAULT = ""  # a bad deployment of the tests sets it

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


@tarry.event_type("parcel/packed")
@dataclass(frozen=True)
class Packed:
    """What the packing station tells."""

    order: int
    weight: float


@app.create_function(fn_id="checkout", trigger=tarry.TriggerEvent(event="checkout/begun"))
async def checkout(ctx: tarry.Context) -> str:
    """The first of two events, by content."""
    first = await ctx.step.wait_for_first(
        "end",
        [
            tarry.EventMatch("checkout/paid", match="data.order"),
            tarry.EventMatch("checkout/left", if_exp="async.data.order == event.data.order && async.data.idle > 10"),
        ],
        timeout="1h",
    )
    return "neither" if first is None else str(first.name)


@app.create_function(fn_id="poll", trigger=tarry.TriggerEvent(event="poll/opened"))
def poll(ctx: tarry.ContextSync) -> int:
    """So many votes, or those that come in time."""
    votes = ctx.step.wait_for_events("votes", event="poll/voted", match="data.poll", count=3, timeout="1h")
    return sum(int(vote.data["points"]) for vote in votes)


@app.create_function(fn_id="hurry", trigger=tarry.TriggerEvent(event="hurry/asked"))
async def hurry(ctx: tarry.Context) -> str:
    """A race between a sleep and an event that does not come."""

    async def slept() -> str:
        await ctx.step.sleep("nap", "2s")
        return "slept"

    async def told() -> str:
        await ctx.step.wait_for_event("told", event="hurry/told", match="data.n", timeout="1h")
        return "told"

    return str(await ctx.group.race([told, slept]))


@app.create_function(fn_id="weigh", trigger=tarry.TriggerEvent(event="never/sent"))
async def weigh(ctx: tarry.Context) -> float:
    """Invoked by another function; waits for a typed event."""
    packed = await ctx.step.wait_for_event("packed", event=Packed, match="data.order", timeout="1h")
    return packed.weight if packed else -1


@app.create_function(fn_id="parcel", trigger=tarry.TriggerEvent(event="parcel/asked"))
async def parcel(ctx: tarry.Context) -> float:
    """Invokes another function, and goes on with what it returns."""
    weight: float = await ctx.step.invoke("weigh", function=weigh, data={"order": ctx.event.data["order"]})
    return weight + 0.5


async def tell(ctx: tarry.Context) -> str:
    """What is done about a run of ``brittle`` that has failed."""
    data = ctx.event.data
    return await ctx.step.run("tell", lambda: f"{data['event']['data']['n']}: {data['error']['name']}")


@app.create_function(fn_id="brittle", trigger=tarry.TriggerEvent(event="brittle/called"), retries=0, on_failure=tell)
async def brittle(ctx: tarry.Context) -> None:
    """Fails, which ``tell`` is told."""
    await ctx.step.run("break", lambda: [][0])


@app.create_function(
    fn_id="booking",
    trigger=tarry.TriggerEvent(event="booking/made"),
    cancel=tarry.Cancel(event="booking/withdrawn", match="data.booking"),
)
async def booking(ctx: tarry.Context) -> str:
    """Sleeps until an event cancels it."""
    await ctx.step.sleep("until-the-day", "1h")
    return "used"


@app.create_function(fn_id="slow", trigger=tarry.TriggerEvent(event="slow/asked"), timeouts=tarry.Timeouts(finish="3s"))
async def slow(ctx: tarry.Context) -> None:
    """Has three seconds, and needs an hour."""
    await ctx.step.sleep("long", "1h")


@app.create_function(fn_id="agent", trigger=tarry.TriggerEvent(event="agent/asked"))
async def agent(ctx: tarry.Context) -> str:
    """Waits for a signal."""
    answer = await ctx.step.wait_for_signal("answer", signal=f"answer/{ctx.event.data['n']}", timeout="1h")
    return "silence" if answer is None else str(answer["text"])


@app.create_function(fn_id="invoice", trigger=tarry.TriggerEvent(event="invoice/due"), idempotency="event.data.invoice")
async def invoice(ctx: tarry.Context) -> int:
    """Runs once for each invoice."""
    return int(ctx.event.data["invoice"])


@app.create_function(
    fn_id="draft",
    trigger=tarry.TriggerEvent(event="draft/typed"),
    debounce=tarry.Debounce("6s", key="event.data.draft"),
)
async def draft(ctx: tarry.Context) -> str:
    """Runs with what was typed last."""
    return str(ctx.event.data["text"])


@app.create_function(
    fn_id="ledger",
    trigger=tarry.TriggerEvent(event="sale/made"),
    batch_events=tarry.Batch(3, "20s", key="event.data.till"),
)
async def ledger(ctx: tarry.Context) -> int:
    """Runs with several sales of a till."""
    return sum(event.data["price"] for event in ctx.events)


class Sealed(tarry.Middleware):
    """Keeps what steps and functions return in another form."""

    def transform_output(self, output: Any, step: tarry.StepInfo | None) -> Any:
        return {"sealed": output}

    def restore_output(self, output: Any, step: tarry.StepInfo) -> Any:
        return output["sealed"] if step.kind == "run" else output


@app.create_function(fn_id="vault", trigger=tarry.TriggerEvent(event="vault/filled"), middleware=[Sealed])
async def vault(ctx: tarry.Context) -> str:
    """Is given what its step returned, on this Lambda and, after a sleep, on the next."""
    kept: str = await ctx.step.run("keep", lambda: str(ctx.event.data["what"]))
    await ctx.step.sleep("rest", "2s")
    return kept.upper()


@app.create_function(fn_id="nightly", trigger=tarry.TriggerCron(cron="0 3 * * *", timezone="Europe/Berlin"))
async def nightly(ctx: tarry.Context) -> None:
    """Its schedule is put up."""


@app.create_function(fn_id="tick", trigger=tarry.TriggerCron(cron="* * * * *"))
async def tick(ctx: tarry.Context) -> str:
    """Runs each minute, where the Scheduler puts its events on a bus: MiniStack's does not."""
    return await ctx.step.run("tock", lambda: "tock")


@app.create_function(fn_id="courier", trigger=tarry.TriggerEvent(event="courier/asked"), retries=0)
async def courier(ctx: tarry.Context) -> dict[str, Any]:
    """Runs of which a bad deployment fails each, behind what they have paid for."""
    charged = await ctx.step.run("charge", lambda: uuid4().hex)
    await ctx.step.wait_for_event("came", event="courier/came", match="data.n", timeout="3h")

    def hand_over() -> int:
        if FAULT:
            raise KeyError(FAULT)
        n: int = ctx.event.data["n"]
        return n

    return {"charged": charged, "n": await ctx.step.run("hand over", hand_over)}


@app.create_function(
    fn_id="remind", trigger=tarry.TriggerEvent(event="cart/changed"), rate_limit=tarry.RateLimit(2, "1h")
)
async def remind(ctx: tarry.Context) -> int:
    """Starts twice an hour."""
    return int(ctx.event.data["n"])


@app.create_function(
    fn_id="import",
    trigger=tarry.TriggerEvent(event="file/uploaded"),
    singleton=tarry.Singleton("cancel", key="event.data.customer"),
)
async def import_file(ctx: tarry.Context) -> int:
    """One at a time for each customer: the latest file wins."""
    await ctx.step.wait_for_event("read", event="file/read", match="data.n", timeout="1h")
    return int(ctx.event.data["n"])


@app.create_function(fn_id="bank", trigger=tarry.TriggerEvent(event="bank/asked"), throttle=tarry.Throttle(1, "5s"))
async def bank(ctx: tarry.Context) -> int:
    """Begins each five seconds; gives when it began, in seconds."""
    return await ctx.step.run("ask", lambda: int(time.time()))


@app.create_function(
    fn_id="pack",
    trigger=tarry.TriggerEvent(event="parcel/ready"),
    concurrency=tarry.Concurrency(1, hold="run"),
    priority=tarry.Priority("event.data.urgent"),
)
async def pack(ctx: tarry.Context) -> int:
    """One at a time, the urgent ones first."""
    begun = await ctx.step.run("begin", int, ctx.event.data["n"])
    if ctx.event.data["n"] == 0:
        await ctx.step.wait_for_event("tape", event="tape/brought", timeout="1h")
    return begun
