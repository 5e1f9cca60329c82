"""A trace for each run: each step's span exactly once, however many invocations and replays the run has."""

import asyncio
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import StatusCode

from tarry import App, Batch, Context, ContextSync, Event, NonRetriableError, StepError, TriggerEvent
from tarry.traces import TRACEPARENT, Traces
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths

PLACED = TriggerEvent(event="placed")


class Exported:
    """What was exported."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(**options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.middleware = Traces(self.provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def names(self) -> Counter[str]:
        return Counter(span.name for span in self.spans)

    def span(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.name == name)
        return found


@pytest.fixture
def exported() -> Exported:
    return Exported()


def context(span: ReadableSpan) -> Any:
    assert span.context is not None
    return span.context


def order(app: App, exported: Exported) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, middleware=[exported.middleware])
    async def order(ctx: Context) -> str:
        await ctx.step.run("pack", nothing)
        await asyncio.gather(ctx.step.run("label", nothing), ctx.step.sleep("rest", "1h"))
        await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1d")
        await ctx.step.send_event("tell", Event("packed", {"id": "7"}))
        await ctx.step.wait_for_event("late", event="late", match="data.id", timeout="1h")
        await ctx.step.run("ship", nothing)
        return "shipped"


async def nothing() -> None:
    return None


STEPS = ["pack", "label", "rest", "paid", "tell", "late", "ship"]


def play(host: Host) -> None:
    host.send([Event("placed", {"id": "7"}, id="o-1")])
    host.advance("2h")
    host.send([Event("paid", {"id": "7"}, id="p-1")])
    host.advance("4h")


def test_each_step_has_one_span_and_all_are_one_trace_whose_root_is_the_run(
    app: App, host: Host, exported: Exported
) -> None:
    order(app, exported)
    play(host)
    assert host.run("order").output == "shipped"
    assert exported.names() == Counter([*STEPS, "order"])
    root = exported.span("order")
    assert {context(span).trace_id for span in exported.spans} == {context(root).trace_id}
    assert root.parent is None
    assert {span.parent and span.parent.span_id for span in exported.spans if span is not root} == {
        context(root).span_id
    }
    assert len({context(span).span_id for span in exported.spans}) == len(STEPS) + 1
    assert (root.end_time or 0) - (root.start_time or 0) > 3 * 3_600 * 10**9


def test_a_sleep_lasts_as_long_as_it_slept_and_a_wait_as_it_waited(app: App, host: Host, exported: Exported) -> None:
    order(app, exported)
    play(host)
    lasted = {
        name: ((exported.span(name).end_time or 0) - (exported.span(name).start_time or 0)) / 3.6e12 for name in STEPS
    }
    assert lasted["rest"] == pytest.approx(1, abs=0.01)
    assert lasted["paid"] == pytest.approx(1, abs=0.01)
    assert lasted["late"] == pytest.approx(1, abs=0.01)


def test_the_ids_are_the_same_in_another_process(exported: Exported) -> None:
    found = []
    for mine in (exported, Exported()):
        app = App("shop")
        order(app, mine)
        with Cloud(app) as cloud:
            play(Host(cloud))
        found.append({span.name: context(span).span_id for span in mine.spans})
    assert found[0] == found[1]


def test_whichever_call_an_executor_dies_at_each_step_has_a_span_and_a_second_one_has_the_same_ids() -> None:
    plan = Mortal("executor")
    app = App("shop")
    order(app, Exported())
    with Cloud(app) as cloud, cloud.dies(plan):
        play(Host(cloud))
    for death in deaths("executor", plan.calls):
        app, exported = App("shop"), Exported()
        order(app, exported)
        with Cloud(app) as cloud, cloud.dies(Mortal("executor", death)):
            host = Host(cloud)
            play(host)
            host.advance("2h")
            assert host.run("order").status == "finished"
        assert set(exported.names()) == {*STEPS, "order"}, death
        assert len({context(span).span_id for span in exported.spans}) == len(STEPS) + 1, death


def test_attempts_are_spans_and_failures_are_marked(app: App, host: Host, exported: Exported) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, middleware=[exported.middleware], retries=1, backoff=["1s"])
    async def order(ctx: Context) -> None:
        async def fail() -> None:
            raise ConnectionError("no")

        with suppress(StepError):
            await ctx.step.run("fail", fail)
        if ctx.attempt == 0:
            raise TimeoutError
        raise NonRetriableError("enough")

    host.send("placed")
    host.advance("1m")
    assert exported.names() == {"fail": 2, "order": 1}
    assert {span.status.status_code for span in exported.spans} == {StatusCode.ERROR}


def test_a_run_links_to_the_span_that_sent_its_event_and_a_wait_to_that_of_its_event(
    app: App, host: Host, exported: Exported
) -> None:
    @app.create_function(fn_id="sender", trigger=TriggerEvent(event="began"), middleware=[exported.middleware])
    async def sender(ctx: Context) -> None:
        await ctx.step.send_event("place", Event("placed", {"id": "7"}))
        await ctx.step.send_event("pay", Event("paid", {"id": "7"}))

    @app.create_function(fn_id="order", trigger=PLACED, middleware=[exported.middleware])
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1d")

    host.send("began")
    links = {name: [link.context.span_id for link in exported.span(name).links] for name in ("order", "paid")}
    assert links == {
        "order": [context(exported.span("place")).span_id],
        "paid": [context(exported.span("pay")).span_id],
    }
    assert TRACEPARENT in host.events("placed")[0].data


def test_a_successor_links_to_the_run_before(app: App, host: Host, exported: Exported) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, middleware=[exported.middleware])
    def order(ctx: ContextSync) -> None:
        if "again" not in ctx.event.data:
            ctx.continue_as_new({"again": True})

    host.send("placed")
    first, second = exported.spans
    assert [link.context.span_id for link in second.links] == [context(first).span_id]
    assert context(first).trace_id != context(second).trace_id


def test_what_a_body_traces_is_inside_of_its_step(app: App, host: Host, exported: Exported) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, middleware=[exported.middleware])
    async def order(ctx: Context) -> None:
        def work() -> None:
            with exported.provider.get_tracer("mine").start_as_current_span("query"):
                pass

        await ctx.step.run("pack", work)

    host.send("placed")
    parent = exported.span("query").parent
    assert parent is not None
    assert parent.span_id == context(exported.span("pack")).span_id


def test_a_run_is_sampled_as_a_whole(app: App, host: Host) -> None:
    exported = Exported(sampler=ParentBased(TraceIdRatioBased(0.5)))
    order(app, exported)
    for number in range(20):
        host.send([Event("placed", {"id": str(number)}, id=f"o-{number}")])
    host.advance("2h")
    for number in range(20):
        host.send([Event("paid", {"id": str(number)})])
    host.advance("4h")
    counts = Counter(context(span).trace_id for span in exported.spans)
    assert 0 < len(counts) < 20
    assert set(counts.values()) == {len(STEPS) + 1}


def test_nothing_is_loaded_unless_it_is_used() -> None:
    code = "import sys, tarry, tarry.traces, tarry.encryption; tarry.traces.Traces(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"opentelemetry", "aws_encryption_sdk", "boto3"} & {name.partition(".")[0] for name in loaded}


def test_the_run_of_a_batch_links_to_the_spans_of_all_events_and_what_is_no_span_is_ignored(
    app: App, host: Host, exported: Exported
) -> None:
    @app.create_function(fn_id="export", trigger=PLACED, batch_events=Batch(6, "1h"), middleware=[exported.middleware])
    async def export(ctx: Context) -> None: ...

    odd = [
        "",
        "00-1-2",
        f"00-{'f' * 99}-{1:016x}-01",
        f"00-{1:032x}-{1:016x}-{'f' * 99}",
        "\u0661-\u0661-\u0661-\u0661",
    ]
    for number, text in enumerate([f"00-{7:032x}-{8:016x}-01", *odd]):
        host.send(Event("placed", {TRACEPARENT: text}, id=f"e{number}"))
    host.advance("10s")
    assert [each.context.span_id for each in exported.span("export").links][:1] == [8]
    assert host.run().status == "finished"

    for number in range(6):
        host.send(Event("placed", {TRACEPARENT: f"00-{7:032x}-{20 + number:016x}-01"}, id=f"f{number}"))
    host.advance("10s")
    assert [each.context.span_id for each in exported.spans[-1].links] == [20, 21, 22, 23, 24, 25]
