"""Events that take a matcher long: they hold up no other, and take no other along."""

from collections import Counter
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend import matching
from tarry_backend.deploy.topology import EVENTS
from tarry_backend.matcher import fan_out
from tarry_backend.matcher.matcher import Matcher
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.matching import residual_holds
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.store import Name
from tarry_dev.cloud import Crash, Host

WAITS = 500


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each evaluation takes 30 ms by the matcher's clock. How many evaluations each page had."""
    pages: list[int] = []
    begin_page = fan_out.Notes.begin_page

    def evaluated(*args: Any) -> bool:
        pages[-1] += 1
        return residual_holds(*args)

    def begun(notes: fan_out.Notes) -> None:
        pages.append(0)
        begin_page(notes)

    monkeypatch.setattr(matching, "residual_holds", evaluated)
    monkeypatch.setattr(fan_out.Notes, "begin_page", begun)
    monkeypatch.setattr(fan_out, "monotonic", lambda: 0.03 * sum(pages))
    return pages


def watch(app: App) -> None:
    @app.create_function(fn_id="watch", trigger=TriggerEvent(event="placed"))
    async def watch(ctx: Context) -> Any:
        if_exp = "async.data.items.exists(i, i.sku == event.data.sku)"
        seen = await ctx.step.wait_for_event("wait", event="seen", if_exp=if_exp, timeout="1d")
        return seen.id if seen else None


def test_w32_an_event_with_eight_thousand_items_holds_up_no_other(app: App, host: Host, slow: list[int]) -> None:
    watch(app)

    @app.create_function(fn_id="innocent", trigger=TriggerEvent(event="asked"))
    async def innocent(ctx: Context) -> str:
        await ctx.step.wait_for_event("wait", event="seen", if_exp="async.data.innocent == true", timeout="1d")
        return "done"

    host.send([Event("placed", {"sku": n % 3}, id=f"p{n}") for n in range(WAITS)])
    host.send("asked")
    items = [{"sku": n} for n in range(8_000)]
    slow.clear()
    with host.cloud.hold("events"):
        host.send([Event("seen", {"items": items}, id="large"), Event("seen", {"innocent": True}, id="small")])
    first = host.cloud.queues["events"].receive()
    assert len(first) == 2
    assert host.cloud.queues["events"].deliver(first).error is None
    with host.cloud.hold("events"):
        host.cloud.pump()
    assert host.run("innocent").output == "done"  # in the first batch
    host.cloud.pump()
    assert {run.output for run in host.runs("watch")} == {"large"}
    assert max(slow) <= fan_out.SECONDS / 0.03 + 2
    assert host.dead_letters == []


def test_an_event_that_no_wait_can_be_compared_with_writes_few_notes(app: App, host: Host) -> None:
    watch(app)
    host.send([Event("placed", {"sku": n % 3}, id=f"p{n}") for n in range(40)])
    host.send("seen", {"sku": 1})
    notes = [run.steps["wait"].note for run in host.runs("watch")]
    assert sum(note is not None and "could not be compared" in note for note in notes) == fan_out.NOTES


@pytest.mark.parametrize("place", range(3))
def test_two_events_that_kill_their_matchers_take_no_event_along(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """All come in one batch, again and again."""

    @app.create_function(fn_id="note", trigger=TriggerEvent(event="seen"))
    async def note(ctx: Context) -> str:
        return ctx.event.id

    whole = Matcher.fan_out

    def kills(matcher: Matcher, incoming: ReceivedEvent, name: Name, outbox: Outbox) -> None:
        if incoming.event.id.startswith("killer"):
            raise Crash("out of memory")
        whole(matcher, incoming, name, outbox)

    monkeypatch.setattr(Matcher, "fan_out", kills)
    ids = ["killer 1", "killer 2"]
    ids.insert(place, "innocent")
    host.send([Event("seen", id=event_id) for event_id in ids])
    host.advance("21m")
    assert sorted(letter.json["detail"]["id"] for letter in host.dead_letters) == ["killer 1", "killer 2"]
    assert host.run("note").output == "innocent"


def test_an_event_that_kills_its_matchers_ends_alone(app: App, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are in one batch when the first matcher dies. The others are then done, and deleted, before it."""

    @app.create_function(fn_id="note", trigger=TriggerEvent(event="seen"))
    async def note(ctx: Context) -> str:
        return ctx.event.id

    acted: Counter[str] = Counter()
    whole = Matcher.fan_out

    def kills(matcher: Matcher, incoming: ReceivedEvent, name: Name, outbox: Outbox) -> None:
        acted[incoming.event.id] += 1
        if incoming.event.id == "killer":
            raise Crash("out of memory")
        whole(matcher, incoming, name, outbox)

    monkeypatch.setattr(Matcher, "fan_out", kills)
    host.send([Event("seen", id=event_id) for event_id in ("before", "killer", "after")])
    host.advance("21m")
    assert [letter.json["detail"]["id"] for letter in host.dead_letters] == ["killer"]
    assert {run.output for run in host.runs("note")} == {"before", "after"}
    assert (acted["before"], acted["after"], acted["killer"]) == (2, 1, EVENTS.max_receives)
