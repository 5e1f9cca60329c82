"""An event that ended a wait of a branch which has just lost a race is not used up: the run never had it."""

import gc
from functools import partial
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_dev.cloud import Call, Host


def add_order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        async def wait(step_id: str, name: str) -> Any:
            event = await ctx.step.wait_for_event(step_id, event=name, match="data.id", timeout="1h")
            return event and event.id

        await ctx.step.sleep("rest", "1ms")
        first = await ctx.group.race([partial(wait, "paid", "paid"), partial(wait, "refused", "refused")])
        later = [await wait("again", "refused"), await wait("once more", "refused"), await wait("paid again", "paid")]
        return [first, *later]


def play(host: Host) -> list[Any]:
    """Both events are in the log before the race begins."""
    with host.cloud.hold("runs"):
        host.send("placed", {"id": "7"})
        host.advance("1s")
    with host.cloud.hold("timers"):
        host.cloud.pump()
        with host.cloud.hold("runs"):
            host.advance("1s")
            host.send([Event("paid", {"id": "7"}, id="p"), Event("refused", {"id": "7"}, id="r")])
    host.advance("4h")
    output: list[Any] = host.run().output
    return output


def test_the_next_wait_on_that_name_has_the_event_and_none_after_it_does(app: App, host: Host) -> None:
    add_order(app)
    assert play(host) == ["p", "r", None, None]


@pytest.mark.parametrize("write", range(1, 6))
def test_so_it_is_if_the_executor_dies_anywhere_between(
    app: App, host: Host, write: int, caplog: pytest.LogCaptureFixture
) -> None:
    """At each write of the invocation in which both waits end, the race is decided and the next wait opened."""
    add_order(app)
    puts: list[str] = []

    def dies(call: Call) -> bool:
        if call.operation != "PutItem" or not call.answered or not host.events("refused"):
            return False
        puts.append(call.operation)
        return len(puts) == write

    with host.cloud.dies(dies, function="executor"):
        assert play(host) == ["p", "r", None, None]
    assert len(puts) >= write
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
