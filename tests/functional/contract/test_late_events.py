"""Events that are received in time, and reach the log late: dead letters, slow matchers, a queue that is behind."""

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.api.receipts import Why
from tarry_dev.cloud import Call, Cloud, Host, HostedRun
from tests.functional.contract.moments import deadline_of, receive_at
from tests.functional.contract.plays import ThrottledError


@pytest.fixture
def waiting(app: App, host: Host) -> HostedRun:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="placed"))
    async def ship(ctx: Context) -> str:
        event = await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="1h")
        return event.id if event else "unpaid"

    host.send("placed", {"id": "7"})
    return host.run()


def paid(event_id: str) -> Event:
    return Event("paid", {"id": "7"}, id=event_id)


def test_an_event_that_reaches_the_log_after_the_deadlines_look_is_too_late_and_its_receipt_says_so(
    host: Host, cloud: Cloud, waiting: HostedRun
) -> None:
    """matcher 1    (receives the event, loads its code for three seconds)  log
    matcher 2                                            marker

    The contract has this sentence: such an event is too late for its wait, though it was received in time.
    """
    receive_at(cloud, deadline_of(waiting) - 1, paid("in time"))
    batch = cloud.queues["events"].receive()
    cloud.advance("3s")
    cloud.queues["events"].deliver(batch)
    cloud.pump()
    assert waiting.output == "unpaid"
    assert [miss.why for miss in host.receipt("in time").missed] == [Why.OVERTAKEN]


@pytest.mark.parametrize("after_the_deadline", [False, True])
def test_w34_an_event_that_was_a_dead_letter_meanwhile_counts_from_when_it_came_first(
    cloud: Cloud, waiting: HostedRun, after_the_deadline: bool
) -> None:
    """It is put back before the deadline's marker comes out of the queue: a little, or long before."""
    received = deadline_of(waiting) - 3_000_000
    with cloud.dies(lambda call: True, function="matcher"):
        receive_at(cloud, received, paid("in time"))
        cloud.advance("21m")
    assert len(cloud.dead_letters("events")) == 1
    if after_the_deadline:
        with cloud.hold("events"):
            cloud.advance("1h")
            cloud.redrive("events")
    else:
        cloud.redrive("events")
    cloud.advance("2m")
    assert waiting.output == "in time"


def test_a_dead_letter_that_is_put_back_twice_keeps_its_first_time(cloud: Cloud, waiting: HostedRun) -> None:
    with cloud.dies(lambda call: True, function="matcher"):
        cloud.send(paid("in time"))
        cloud.advance("21m")
        cloud.redrive("events")
        cloud.advance("21m")
    assert len(cloud.dead_letters("events")) == 1
    with cloud.hold("events"):
        cloud.advance("1h")
        cloud.redrive("events")
    cloud.advance("2m")
    assert waiting.output == "in time"


def test_a_redriven_event_that_first_came_after_the_deadline_is_too_late(cloud: Cloud, waiting: HostedRun) -> None:
    with cloud.dies(lambda call: True, function="matcher"):
        receive_at(cloud, deadline_of(waiting) + 1, paid("too late"))
        cloud.advance("21m")
    cloud.redrive("events")
    cloud.advance("21m")
    assert waiting.output == "unpaid"


def test_a_marker_waits_for_an_event_of_its_batch_that_could_not_be_logged(cloud: Cloud, waiting: HostedRun) -> None:
    """The write of the log is throttled once, in the batch that has the marker, too."""
    with cloud.hold("events"):
        receive_at(cloud, deadline_of(waiting) - 1, paid("in time"))
        cloud.advance("3s")
    throttled: list[Call] = []

    def throttle(call: Call) -> bool:
        if call.operation == "BatchWriteItem" and not call.answered and len(throttled) < 2:
            throttled.append(call)  # the batch together, then the event alone
            raise ThrottledError
        return False

    with cloud.dies(throttle, function="matcher"):
        cloud.pump()
    assert len(throttled) == 2
    assert waiting.status == "running"
    cloud.advance("2m")
    assert waiting.output == "in time"


@pytest.mark.parametrize("behind", [6, 40])
def test_a_queue_that_is_behind_makes_a_deadline_later_by_its_delay_and_a_quarter(
    cloud: Cloud, waiting: HostedRun, behind: int
) -> None:
    deadline = deadline_of(waiting)
    cloud.advance("59m")
    with cloud.hold("events"):
        cloud.advance(deadline - cloud.clock.now() + behind * 1000)
    while waiting.status == "running":
        cloud.advance("250ms")
    late = (cloud.clock.now() - deadline) / 1000
    assert behind <= late <= behind * 1.25 + 2
    assert cloud.dead_letters("events") == []


def test_a_marker_in_a_queue_that_is_behind_lets_the_events_before_it_pass(cloud: Cloud, waiting: HostedRun) -> None:
    """The queue is half a minute behind, and the marker comes out before the event: a standard queue may do that."""
    with cloud.hold("events"):
        receive_at(cloud, deadline_of(waiting) - 1, paid("in time"))
        [event] = cloud.queues["events"].receive()
        cloud.advance("30s")
        [marker] = cloud.queues["events"].receive()
    cloud.queues["events"].deliver([marker])
    cloud.pump()
    assert waiting.status == "running"
    cloud.queues["events"].deliver([event])
    cloud.advance("1m")
    assert waiting.output == "in time"
