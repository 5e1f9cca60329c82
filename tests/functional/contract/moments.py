"""Events and waits at exact milliseconds."""

from tarry import Event
from tarry_dev.cloud import Cloud, HostedRun

__all__ = ["deadline_of", "receive_at"]


def deadline_of(run: HostedRun, step_id: str = "wait") -> int:
    """When an open wait ends, in Unix milliseconds."""
    due = run.steps[step_id].due
    assert due is not None, f"{step_id} is not open"
    return round(due.timestamp() * 1000)


def receive_at(cloud: Cloud, moment: int, event: Event) -> None:
    """Lets the clock run up to ``moment``, and has the events queue receive the event at that very millisecond.

    The queue is to be held, or is held by this until the event is in it.
    """
    with cloud.hold("events"):
        cloud.advance(moment - cloud.clock.now())
        assert cloud.clock.now() == moment
        cloud.send(event)
    received = cloud.queues["events"].messages[-1]
    assert received.json["detail-type"] == event.name
    assert received.sent_at == moment
