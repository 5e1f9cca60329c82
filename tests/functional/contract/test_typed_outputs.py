"""R20 on the embedded cloud: what a step, an invocation and a run give, through the table and back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tarry import App, Context, ContextSync, NonRetriableError, StepError, TriggerCron, TriggerEvent
from tarry_dev.cloud import Host

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ODD = 'Größe "M" / 日本\n#1'
LONG = "ü" * 200


@dataclass(frozen=True)
class Assessment:
    score: Decimal
    at: datetime
    pause: timedelta | None = None


class DeclinedError(NonRetriableError):
    pass


def test_r20_types_go_through_the_table_and_back(app: App, host: Host) -> None:
    seen: list[object] = []

    def assess(score: str) -> list[Assessment]:
        return [Assessment(Decimal(score), NOON, timedelta(hours=1))]

    @app.create_function(fn_id="pack")
    def pack(ctx: ContextSync) -> Assessment:
        return Assessment(Decimal("0.10"), NOON)

    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> Decimal:
        first = await ctx.step.run("assess", assess, "1.50")
        await ctx.step.sleep("rest", "1h")
        packed = await ctx.step.invoke("pack", function=pack)
        seen.append((first, packed))
        return first[0].score + packed.score

    host.send("placed")
    host.advance("2h")
    assert seen[-1] == ([Assessment(Decimal("1.50"), NOON, timedelta(hours=1))], Assessment(Decimal("0.10"), NOON))
    run = host.run(order)
    assert run.output == Decimal("1.60")
    assert host.run("order").output == "1.60"
    assert host.run(pack).output == Assessment(Decimal("0.10"), NOON)
    assert [each.id for each in host.runs(order)] == [run.id]


@pytest.mark.parametrize("fn_id", [ODD, LONG], ids=["odd", "long"])
def test_a_function_of_any_id_starts_waits_fails_and_is_invoked(app: App, host: Host, fn_id: str) -> None:
    failed: list[str] = []

    async def sorry(ctx: Context) -> None:
        failed.append(ctx.event.data["function_id"])

    @app.create_function(fn_id=fn_id, trigger=TriggerEvent("placed"), on_failure=sorry, idempotency="event.data.id")
    async def order(ctx: Context) -> str:
        paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1h")
        if paid is None:
            raise NonRetriableError("lapsed", quiet=True)
        return paid.id

    @app.create_function(fn_id="caller", trigger=TriggerEvent("called"))
    async def caller(ctx: Context) -> str:
        return await ctx.step.invoke("order", function=order, data={"id": 3})

    host.send("placed", {"id": 1})
    host.send("called")
    [paid] = host.send("paid")
    assert [run.output for run in host.runs(order)] == [paid, paid]
    assert host.run(caller).output == paid
    host.send("placed", {"id": 1})
    host.send("placed", {"id": 2})
    host.advance("2h")
    assert [run.status for run in host.runs(fn_id)] == ["finished", "finished", "failed"]
    assert failed == [fn_id]
    assert host.dead_letters == []


def test_a_cron_of_a_function_of_any_id_starts_it(app: App, host: Host) -> None:
    @app.create_function(fn_id=LONG, trigger=TriggerCron("0 * * * *"))
    async def hourly(ctx: Context) -> str:
        return ctx.events[0].name

    host.advance("61m")
    assert host.run(hourly).output == "tarry/scheduled.timer"
    assert host.dead_letters == []


def test_two_functions_whose_ids_and_events_look_alike_have_runs_of_their_own(app: App, host: Host) -> None:
    for fn_id in ("a", "a/b"):

        @app.create_function(fn_id=fn_id, trigger=TriggerEvent("placed"))
        async def each(ctx: Context) -> str:
            return ctx.event.id

    from tarry import Event

    host.send([Event("placed", id="b/c"), Event("placed", id="c")])
    assert sorted((run.function_id, run.output) for run in host.runs()) == [
        ("a", "b/c"),
        ("a", "c"),
        ("a/b", "b/c"),
        ("a/b", "c"),
    ]


def test_a_signal_carries_what_its_class_declares(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> Assessment | None:
        return await ctx.step.wait_for_signal("assessed", signal="a", timeout="1h", type=Assessment)

    host.send("placed")
    host.signal("a", Assessment(Decimal("0.10"), NOON))
    assert host.run(order).output == Assessment(Decimal("0.10"), NOON)


def test_the_class_of_a_steps_error_goes_through_the_table_and_an_invocation(app: App, host: Host) -> None:
    def decline() -> None:
        raise DeclinedError("no")

    @app.create_function(fn_id="pay", retries=0)
    async def pay(ctx: Context) -> None:
        await ctx.step.run("charge", decline)

    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> bool:
        try:
            await ctx.step.invoke("pay", function=pay)
        except StepError as error:
            await ctx.step.sleep("rest", "1h")
            return error.is_a(DeclinedError) and not error.is_a(ValueError)
        return False

    host.send("placed")
    host.advance("2h")
    assert host.run(order).output is True
