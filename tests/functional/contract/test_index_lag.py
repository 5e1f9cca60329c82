"""Row W22: DynamoDB's indexes are eventually consistent, the outcome of a wait is not."""

from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_dev.cloud import Call, Chaos, Host

BY_KEY = "async.data.id == event.data.id"
BY_TWO_KEYS = f"async.data.any == true || {BY_KEY}"
BY_NAME = "async.data.id >= event.data.id"


def add_ship(app: App, expression: str | None, timeout: str = "1h") -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"))
    async def ship(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event="order/paid", if_exp=expression, timeout=timeout)
        return event and event.id


@pytest.mark.parametrize("expression", [BY_KEY, BY_TWO_KEYS, BY_NAME, None])
@pytest.mark.parametrize("after", ["1s", "9900ms"])
def test_w22_an_event_that_the_lagging_index_has_missed_resolves_its_wait_within_the_settle_delay(
    app: App, host: Host, expression: str | None, after: str
) -> None:
    add_ship(app, expression)
    host.cloud.chaos = Chaos(index_lag=10)
    host.send("order/placed", {"id": "7"})
    registered = host.cloud.clock.now()
    host.advance(after)
    host.send([Event("order/paid", {"id": "7"}, id="p1")])
    assert host.run().status == "running", "the index has not lagged"
    host.cloud.advance(registered + 15_500 - host.cloud.clock.now())
    assert host.run().output == "p1"


def test_w22_a_deadline_within_the_settle_delay_finds_what_the_index_has_missed(app: App, host: Host) -> None:
    add_ship(app, BY_KEY, timeout="8s")
    host.cloud.chaos = Chaos(index_lag=10)
    host.send("order/placed", {"id": "7"})
    host.advance("1s")
    host.send([Event("order/paid", {"id": "7"}, id="p1")])
    assert host.run().status == "running", "the index has not lagged"
    host.advance("7s")
    assert host.run().output == "p1"


def test_w22_once_the_index_has_caught_up_the_event_resolves_at_once(app: App, host: Host) -> None:
    add_ship(app, BY_KEY)
    host.cloud.chaos = Chaos(index_lag=10)
    host.send("order/placed", {"id": "7"})
    with host.cloud.hold("timers"):  # no settle
        host.advance("11s")
        host.send([Event("order/paid", {"id": "7"}, id="p1")])
    assert host.run().output == "p1"


def test_w22_a_wait_settles_also_if_its_executor_has_failed_to_ask_for_that(app: App, host: Host) -> None:
    """executor    wait ── log read ── (fails)   (2 s later) log read ── settle asked for ───────── settle
    matcher                                                             (event) log ── index: nothing
    """
    add_ship(app, BY_KEY)
    host.cloud.chaos = Chaos(index_lag=10)
    with host.cloud.dies(fail_to_send, function="executor"):
        host.send("order/placed", {"id": "7"})
    host.cloud.advance("5s")
    host.send([Event("order/paid", {"id": "7"}, id="p1")])
    assert host.run().status == "running", "the index has not lagged"
    host.cloud.advance("15s")
    assert host.run().output == "p1"


def fail_to_send(call: Call) -> bool:
    if call.operation == "SendMessageBatch":
        raise ConnectionError
    return False
