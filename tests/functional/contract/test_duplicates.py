"""At-least-once delivery is invisible: every message comes twice, at once or late, and in any order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_dev.cloud import Cloud, Delivery, Host, Message
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import expected, play
from tests.functional.contract.stories import STORIES


class Echo:
    """Delivers what was delivered once more."""

    def __init__(self, cloud: Cloud, *, receives: int) -> None:
        self._queues = {queue.function.name: queue for queue in cloud.queues.values()}
        self._receives = receives
        self._heard: list[Delivery] = []
        self._echoes = False

    def at_once(self, delivery: Delivery) -> None:
        if not self._echoes:
            self._repeat([delivery])

    def later(self, delivery: Delivery) -> None:
        """What came three deliveries before."""
        if not self._echoes:
            self._heard.append(delivery)
            self._repeat(self._heard[-4:-3])

    def _repeat(self, deliveries: Iterable[Delivery]) -> None:
        self._echoes = True
        for delivery in deliveries:
            if delivery.messages:  # the sweep has none
                batch = [self._again(message) for message in reversed(delivery.messages)]
                assert self._queues[delivery.function].deliver(batch).error is None
        self._echoes = False

    def _again(self, message: Message) -> Message:
        return replace(message, attributes={**message.attributes, "ApproximateReceiveCount": str(self._receives)})


@pytest.mark.parametrize(("when", "receives"), [("at once", 1), ("later", 2)])
@pytest.mark.parametrize("name", STORIES)
def test_whatever_is_delivered_twice_the_outcome_is_the_same_and_each_body_runs_once(
    name: str, when: str, receives: int
) -> None:
    def begin(cloud: Cloud) -> None:
        echo = Echo(cloud, receives=receives)
        cloud.observe(echo.at_once if when == "at once" else echo.later)

    story = STORIES[name]
    ending, _ = play(story, opened=begin)
    assert ending == expected(story, Counter())


def test_a_starting_event_that_comes_again_does_not_hasten_the_functions_next_attempt(
    app: App, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=1, backoff=["10m"])
    async def order(ctx: Context) -> str:
        await diary.write(ctx.attempt)
        if ctx.attempt == 0:
            raise ConnectionError
        return "done"

    placed = Event("placed", id="p1")
    host.send([placed])
    host.send([placed])
    host.advance("6m")  # what the queue has deduplicated it has forgotten by now
    host.send([placed])
    assert diary.entries == [0]
    host.advance("10m")
    assert host.run().output == "done"
    assert diary.entries == [0, 1]
