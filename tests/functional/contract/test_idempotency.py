"""``idempotency``: of the events that give one value within a day, one starts a run."""

import pytest

from tarry import App, Context, Event, TriggerEvent, UsageError
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.diary import Diary

PLACED = TriggerEvent(event="placed")


@pytest.fixture(autouse=True)
def order(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, idempotency="event.data.order")
    async def order(ctx: Context) -> object:
        return await ctx.step.run("note", diary.write, ctx.event.id)


def placed(event_id: str, **data: object) -> Event:
    return Event("placed", data, id=event_id)


def test_of_two_events_with_one_value_the_first_starts_a_run(host: Host, diary: Diary) -> None:
    host.send([placed("a", order=7)])
    host.send([placed("b", order=7), placed("c", order=7.0)])
    assert diary.entries == ["a"]
    assert len(host.events("tarry/function.finished")) == 1


@pytest.mark.parametrize("other", [8, "7", True, None, [7], {"order": 7}, 7.5])
def test_another_value_starts_another_run(host: Host, diary: Diary, other: object) -> None:
    host.send([placed("a", order=7)])
    host.send([placed("b", order=other)])
    assert diary.entries == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (11111111111111111111, 11111111111111111112),
        (2**64 - 1, 2**64 - 2),
        ([2**64], [2**64 + 1]),
        (2.0**64, 2**64 + 1),
        (10**400, 10**400 + 1),
    ],
)
def test_w31_integers_beyond_64_bits_are_values_of_their_own(
    host: Host, diary: Diary, one: object, other: object
) -> None:
    host.send([placed("a", order=one)])
    host.send([placed("b", order=other), placed("c", order=one)])
    assert diary.entries == ["a", "b"]


def test_lists_and_objects_are_values_too(host: Host, diary: Diary) -> None:
    host.send([placed("a", order={"shop": 1, "nr": [7]})])
    host.send([placed("b", order={"nr": [7.0], "shop": 1})])
    host.send([placed("c", order={"nr": [8], "shop": 1})])
    assert diary.entries == ["a", "c"]


def test_a_day_after_it_was_received_the_value_starts_a_run_again(host: Host, diary: Diary) -> None:
    host.send([placed("a", order=7)])
    host.advance("23h59m")
    host.send([placed("b", order=7)])
    assert diary.entries == ["a"]
    host.advance("1m")
    host.send([placed("c", order=7)])
    host.send([placed("d", order=7)])
    assert diary.entries == ["a", "c"]


def test_an_old_event_that_is_sent_again_does_not_hold_the_value(host: Host, diary: Diary) -> None:
    host.send([placed("a", order=7)])
    host.advance("25h")
    host.send([placed("a", order=7)])
    host.send([placed("b", order=7)])
    assert diary.entries == ["a", "b"]


def test_events_without_the_value_stand_for_themselves(host: Host, diary: Diary) -> None:
    host.send([placed("a"), placed("b")])
    assert set(diary.entries) == {"a", "b"}
    assert len(diary.entries) == 2


def test_functions_do_not_share_values(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="other", trigger=PLACED, idempotency="event.data.order")
    async def other(ctx: Context) -> object:
        return await ctx.step.run("note", diary.write, f"other {ctx.event.id}")

    host.send([placed("a", order=7)])
    assert sorted(map(str, diary.entries)) == ["a", "other a"]


@pytest.mark.parametrize("answered", [False, True])
def test_an_executor_that_dies_as_it_starts_the_run_is_followed_by_another(
    cloud: Cloud, host: Host, diary: Diary, answered: bool
) -> None:
    def at_the_start(call: Call) -> bool:
        return call.operation == "TransactWriteItems" and call.answered is answered

    cloud.send([placed("a", order=7)])
    with cloud.dies(at_the_start, function="executor"):
        cloud.pump()
    cloud.send([placed("b", order=7)])
    host.advance("30m")
    assert diary.entries in (["a"], ["b"])
    assert len(host.events("tarry/function.finished")) == 1


def test_one_message_that_comes_twice_starts_one_run(cloud: Cloud, host: Host, diary: Diary) -> None:
    with cloud.hold("runs"):
        cloud.send([placed("a", order=7)])
        cloud.pump()
        batch = cloud.queues["runs"].receive()
        cloud.queues["runs"].deliver(batch)
        cloud.queues["runs"].deliver(batch)
    host.advance("30m")
    assert diary.entries == ["a"]


@pytest.mark.usefixtures("unchecked")
def test_an_expression_that_is_not_cel_keeps_the_events_until_it_is_mended(app: App, host: Host) -> None:
    @app.create_function(fn_id="wrong", trigger=TriggerEvent(event="asked"), idempotency="event.data.order ==")
    async def wrong(ctx: Context) -> None:
        """Never starts."""

    host.send("asked", {"order": 7})
    host.advance("30m")
    assert len(host.dead_letters) == 1


@pytest.mark.parametrize("idempotency", ["", "  ", 7])
def test_what_is_no_text_is_an_error_that_names_the_function(app: App, idempotency: str) -> None:
    with pytest.raises(UsageError, match="function 'late': idempotency is"):
        app.create_function(fn_id="late", trigger=PLACED, idempotency=idempotency)
