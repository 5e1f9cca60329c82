"""Row W16: a loop of waits over a burst of events."""

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Cloud, Host

ROUNDS = 50
BATCH = 10
OVERTAKING = [2, 0, 4, 3, 1]
"""The order in which the batches of events are logged."""


class Burst:
    """Fifty events within one second, which reach the log in batches, one in every fifth round of the loop."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._batches = [range(place * BATCH, place * BATCH + BATCH) for place in OVERTAKING]
        self.unseen: set[int] = set()

    def put(self) -> None:
        """Puts all on the bus; the events queue is held, and its batches are in flight."""
        began = self._cloud.clock.now()
        for first in range(0, ROUNDS, BATCH):
            self._cloud.put_events(
                [
                    {"Source": "shop", "DetailType": "tick", "Detail": f'{{"n": {number}}}'}
                    for number in range(first, first + BATCH)
                ]
            )
        assert self._cloud.clock.now() - began < 1_000
        in_order = [self._cloud.queues["events"].receive(BATCH) for _ in self._batches]
        self._in_flight = [in_order[batch[0] // BATCH] for batch in self._batches]

    def log_some(self) -> None:
        """Has a matcher handle the next batch."""
        if self._in_flight:
            self.unseen |= set(self._batches.pop(0))
            self._cloud.queues["events"].deliver(self._in_flight.pop(0))


def test_w16_a_loop_sees_each_event_of_a_burst_once_and_always_the_earliest_that_is_logged(
    app: App, host: Host
) -> None:
    cloud = host.cloud
    burst = Burst(cloud)
    rounds: list[tuple[int, int]] = []

    @app.create_function(fn_id="count", trigger=TriggerEvent(event="begin"))
    async def count(ctx: Context) -> list[int]:
        numbers = []
        for _ in range(ROUNDS):
            event = await ctx.step.wait_for_event("wait", event="tick", timeout="1h")
            numbers.append(event.data["n"] if event else -1)
            await ctx.step.run("work", work, numbers[-1])
        return numbers

    async def work(number: int) -> None:
        """Takes a second, in which now and then another batch comes in."""
        rounds.append((number, min(burst.unseen)))
        burst.unseen.discard(number)
        cloud.clock.move_to(cloud.clock.now() + 1_000)
        if len(rounds) % 5 == 0:
            burst.log_some()

    host.send("begin")
    with cloud.hold("events"):
        burst.put()
        burst.log_some()
        cloud.pump()
    host.advance("2h")
    assert sorted(host.run().output) == list(range(ROUNDS))
    assert [got for got, _ in rounds] == [earliest for _, earliest in rounds]
