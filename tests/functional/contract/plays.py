"""Stories, played with a death in them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.runtime import host as deploy
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.deaths import READS, Death
from tests.functional.contract.diary import Diary
from tests.functional.contract.stories import Story
from tests.functional.contract.traces import in_indexes

__all__ = ["Ending", "ThrottledError", "deaths", "deaths_before_an_event", "expected", "play"]

PLACED = "order/placed"


@dataclass(frozen=True)
class Ending:
    """What there is when all is over.

    ``bodies`` says how often each body was executed; ``sent`` how many events of each name the run has sent, told
    apart by their ids; ``left`` is what should be gone: entries of indexes, messages, dead letters.
    """

    outcome: tuple[str, Any]
    bodies: Counter[object]
    sent: Counter[str]
    left: frozenset[object]


class ThrottledError(Exception):
    """What an orderly death raises."""


class Watch:
    """Has the Lambda die, and sees whose bodies' results are lost with it."""

    def __init__(self, app: App, diary: Diary, death: Death | None) -> None:
        self._app = app
        self._diary = diary
        self._death = death
        self._seen = Counter[str]()
        self._kept = 0
        self.lost: Counter[object] = Counter()
        self.calls: list[tuple[Call, bool]] = []
        """Each call, and whether a body has run whose result is not kept then."""
        self.calls_before_last_event = 0

    @property
    def has_died(self) -> bool:
        return self._death is None

    def __call__(self, call: Call) -> bool:
        """Whether it dies here. A body's result is kept by its executor's next write."""
        news = len(self._diary.entries) > self._kept
        if call.answered and call.function == "executor" and call.operation == "PutItem":
            self._kept = len(self._diary.entries)
        self._seen[call.function] += not call.answered
        self.calls.append((call, news))
        death = self._death
        if death is None or (call.function, self._seen[call.function], call.answered) != (
            death.function,
            death.call,
            death.answered,
        ):
            return False
        self._death = None
        self.lost = Counter(self._diary.entries[self._kept :])
        if death.orderly:
            raise ThrottledError
        deploy(self._app)  # what the process remembers dies with it
        return True


def deaths(story: Story) -> Iterator[Death]:
    """Right after each call that changes anything, and right before.

    Two deaths are the same if nothing has happened between them, in AWS or in a body. So before a call is where
    the call before it was over, unless a body has run since or it is the first; and a call that reads counts for
    nothing at all.
    """
    numbers = Counter[str]()
    _, watch = play(story)
    for call, news in watch.calls:
        numbers[call.function] += not call.answered
        if call.operation not in READS if call.answered else news or call.number == 1:
            yield Death(call.function, numbers[call.function], call.answered, call.operation)


def deaths_before_an_event(story: Story) -> Iterator[Death]:
    """Those of the executor after which an event still comes: all others are the same as in a story with long pauses.

    executor    ── dies ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ the message again
    events                 event ── last event

    One that dies before its first call is left out: no step has begun, so none has asked for what comes meanwhile.
    """
    _, watch = play(story)
    last = Counter(call.function for call, _ in watch.calls[: watch.calls_before_last_event] if not call.answered)
    for death in deaths(story):
        has_begun = death.call > 1 or death.answered
        if death.function == "executor" and has_begun and death.call <= last["executor"]:
            yield death


def play(
    story: Story, death: Death | None = None, *, opened: Callable[[Cloud], None] = lambda cloud: None
) -> tuple[Ending, Watch]:
    """Plays a story to its end. ``opened`` is called when the curtain is up."""
    app, diary = App("shop"), Diary()
    watch = Watch(app, diary, death)

    @app.create_function(fn_id="order", trigger=TriggerEvent(event=PLACED), retries=1, backoff=["1s"])
    async def order(ctx: Context) -> Any:
        return await story.tell(ctx, diary)

    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="order/to-pack"), retries=1, backoff=["1s"])
    async def pack(ctx: Context) -> Any:
        assert story.pack is not None
        return await story.pack(ctx, diary)

    with Cloud(app) as cloud, cloud.dies(watch):
        opened(cloud)
        host = Host(cloud)
        cloud.send([_event(name) for name in (PLACED, *story.meanwhile)])
        cloud.advance(story.pause)
        for name in story.events:
            watch.calls_before_last_event = len(watch.calls)
            cloud.send(_event(name))
            cloud.advance(story.pause)
        cloud.advance(story.rest)
        for name in story.afterwards:
            cloud.send(_event(name))
            cloud.advance("20m")
        return _ending(host, diary), watch


def expected(story: Story, lost: Counter[object]) -> Ending:
    """Each body once, and once more if its result was lost; all else as if nobody had died."""
    return Ending(
        outcome=("finished", story.output),
        bodies=Counter(story.bodies) + lost,
        sent=Counter(["tarry/function.finished", *story.sends]),
        left=frozenset(),
    )


def _event(event_id: str) -> Event:
    """An event of the test's, whose id has its name: so it is known from the run's own."""
    return Event(_name(event_id), {"id": "7"}, id=event_id)


def _name(event_id: str) -> str:
    return event_id.partition("#")[0]


def _ending(host: Host, diary: Diary) -> Ending:
    cloud = host.cloud
    queues = cloud.queues.values()
    return Ending(
        outcome=(host.run("order").status, host.run("order").output),
        bodies=Counter(diary.entries),
        sent=Counter(event.name for event in host.events() if _name(event.id) != event.name),
        left=frozenset(in_indexes(cloud))
        | {m.body for queue in queues for m in (*queue.messages, *queue.dead_letters)},
    )
