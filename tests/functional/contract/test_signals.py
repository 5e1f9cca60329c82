"""Signals: one step waits for a name, its sender is told at once what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tarry import App, Context, ContextSync, LimitError, SignalStatus, TriggerEvent, UsageError
from tarry._wire.mailboxes import _EXPIRES, _PK, _SK
from tarry_backend.queues.messages import CancelRun, Signalled, decode
from tarry_backend.runtime import runtime
from tarry_backend.store.models import EXPIRES, Item
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.deaths import Death, Mortal, deaths
from tests.functional.contract.traces import in_indexes
from tests.functional.contract.wire import Ask, Json, interrupt, skip_pauses, tamper

if TYPE_CHECKING:
    from tarry_dev.cloud import HostedRun

PLACED = TriggerEvent(event="placed")
APPROVAL = "approval/7"

Add = Callable[[App], None]


def waits_async(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h")


def waits_sync(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    def order(ctx: ContextSync) -> Any:
        return ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h")


def waits_thrice(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return [await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h") for _ in range(3)]


@pytest.fixture(params=[waits_async, waits_sync], ids=["async", "def"])
def waiting(request: pytest.FixtureRequest, app: App) -> None:
    """The function ``order`` waits for the signal ``approval/7`` for an hour."""
    add: Add = request.param
    add(app)


def mailbox(cloud: Cloud) -> dict[str, Any]:
    """The item."""
    key = {"pk": {"S": f"signal#{APPROVAL}"}, "sk": {"S": "signal"}}
    item: dict[str, Any] = cloud.clients.dynamodb.get_item(TableName="tarry", Key=key).get("Item", {})
    return item


def is_free(cloud: Cloud) -> bool:
    """Nobody waits, and time to live will remove the item, if there is one."""
    item = mailbox(cloud)
    return not item or (EXPIRES in item and b'"waiter":null' in item["mailbox"]["B"])


def test_the_item_of_a_signal_has_the_tables_keys() -> None:
    assert (Item.pk.attr_name, Item.sk.attr_name, EXPIRES) == (_PK, _SK, _EXPIRES)


@pytest.mark.usefixtures("waiting")
def test_the_run_that_waits_gets_the_data_and_the_sender_is_told_which_it_is(host: Host) -> None:
    host.send("placed")
    run = host.run()
    assert (run.status, EXPIRES in mailbox(host.cloud)) == ("running", False)
    receipt = host.signal(APPROVAL, {"by": "ada"}, id="s-1")
    assert (receipt.status, receipt.id, receipt.run_id) == (SignalStatus.DELIVERED, "s-1", run.id)
    assert (run.status, run.output) == ("finished", {"by": "ada"})
    assert run.steps["approved"].kind == "signal"
    assert in_indexes(host.cloud) == set()
    assert is_free(host.cloud)


@pytest.mark.usefixtures("waiting")
def test_a_signal_without_data_is_not_none(host: Host) -> None:
    host.send("placed")
    host.signal(APPROVAL)
    assert host.run().output == {}


@pytest.mark.usefixtures("waiting")
def test_at_the_deadline_there_is_none_and_nothing_is_left(host: Host) -> None:
    host.send("placed")
    host.advance("59m")
    assert host.run().status == "running"
    host.advance("1m")
    run = host.run()
    assert (run.status, run.output) == ("finished", None)
    assert in_indexes(host.cloud) == set()
    assert is_free(host.cloud)
    assert host.signal(APPROVAL).status is SignalStatus.NOBODY_WAITS


@pytest.mark.usefixtures("waiting")
def test_a_signal_that_nobody_waits_for_is_gone(host: Host) -> None:
    assert host.signal(APPROVAL).status is SignalStatus.NOBODY_WAITS
    assert mailbox(host.cloud) == {}
    host.send("placed")
    assert host.run().status == "running"


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("pause", "is_there"), [("59m", True), ("61m", False)])
def test_a_signal_that_is_kept_is_there_for_a_wait_that_begins_in_time(host: Host, pause: str, is_there: bool) -> None:
    receipt = host.signal(APPROVAL, "yes", keep="1h")
    assert (receipt.status, receipt.run_id) == (SignalStatus.KEPT, None)
    host.advance(pause)
    host.send("placed")
    run = host.run()
    assert (run.status, run.output) == (("finished", "yes") if is_there else ("running", None))


@pytest.mark.usefixtures("waiting")
def test_a_wait_that_is_answered_as_it_begins_has_ended_next_in_the_runs_order(host: Host) -> None:
    host.signal(APPROVAL, "yes", keep="1h")
    host.send("placed")
    stored = runtime().store.runs.load(host.run().id)
    assert stored is not None
    (step,) = (step for step in stored.steps if step.signal)
    assert step.ended_order == step.begun_order + 1
    assert step.ended is not None
    assert step.ended >= step.began


@pytest.mark.parametrize("timeout", ["0s", "-1m"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_wait_that_may_not_last_takes_what_is_kept_or_none(app: App, host: Host, timeout: str, is_kept: bool) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout=timeout)

    if is_kept:
        host.signal(APPROVAL, "yes", keep="1h")
    host.send("placed")
    assert (host.run().status, host.run().output) == ("finished", "yes" if is_kept else None)
    assert is_free(host.cloud)


@pytest.mark.usefixtures("waiting")
def test_the_same_id_twice_is_a_duplicate_before_and_after_the_run_has_taken_it(host: Host, cloud: Cloud) -> None:
    host.send("placed")
    run = host.run()
    with cloud.hold("runs"):
        host.signal(APPROVAL, "first", id="s-1")
        again = host.signal(APPROVAL, "second", id="s-1")
    host.advance("1s")
    later = host.signal(APPROVAL, "third", id="s-1", keep="1h")
    assert [again.status, later.status] == [SignalStatus.DUPLICATE] * 2
    assert again.run_id == later.run_id == run.id
    assert run.output == "first"


@pytest.mark.usefixtures("waiting")
def test_a_second_run_that_waits_for_the_name_fails_there_and_the_first_waits_on(host: Host) -> None:
    host.send("placed")
    first = host.run()
    host.send("placed")
    second = host.run()
    assert second.status == "failed"
    assert second.error is not None
    assert "step 'approved': step 'approved' of run " + first.id in second.error.message
    assert second.error.name == "UsageError"
    host.signal(APPROVAL, "yes")
    assert first.output == "yes"
    assert in_indexes(host.cloud) == set()


def test_two_branches_of_a_run_cannot_wait_for_one_name(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await asyncio.gather(
            *(ctx.step.wait_for_signal(step, signal=APPROVAL, timeout="1h") for step in ("one", "two"))
        )

    host.send("placed")
    run = host.run()
    assert run.error is not None
    assert "step 'two': step 'one' of this run waits for signal 'approval/7'" in run.error.message
    assert is_free(host.cloud)


def test_in_a_loop_each_round_gets_the_next_however_fast_they_come(app: App, host: Host, cloud: Cloud) -> None:
    waits_thrice(app)
    host.send("placed")
    with cloud.hold("runs"):
        receipts = [host.signal(APPROVAL, number, keep="1m") for number in range(3)]
    host.advance("1s")
    assert [receipt.status for receipt in receipts] == [SignalStatus.DELIVERED, SignalStatus.KEPT, SignalStatus.KEPT]
    assert host.run().output == [0, 1, 2]
    assert is_free(cloud)


def test_a_name_is_free_for_the_next_run_once_the_first_has_its_signal(app: App, host: Host) -> None:
    waits_sync(app)
    for answer in ("a", "b"):
        host.send("placed")
        host.signal(APPROVAL, answer)
    assert [run.output for run in host.runs()] == ["a", "b"]


@pytest.mark.usefixtures("waiting")
def test_a_run_that_is_cancelled_waits_no_longer(host: Host) -> None:
    host.send("placed")
    host.cancel(host.run())
    assert is_free(host.cloud)
    assert host.signal(APPROVAL).status is SignalStatus.NOBODY_WAITS
    host.send("placed")
    assert host.signal(APPROVAL, "yes").run_id == host.run().id


def test_a_run_that_fails_meanwhile_waits_no_longer(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> None:
        async def fail() -> None:
            raise ConnectionError

        waits = ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h")
        await asyncio.gather(waits, ctx.step.run("fail", fail))

    host.send("placed")
    assert host.run().status == "failed"
    assert is_free(host.cloud)


@pytest.mark.parametrize("first", ["signal", "deadline"])
def test_at_the_deadline_whoever_comes_to_the_mailbox_first_decides(
    app: App, host: Host, cloud: Cloud, first: str
) -> None:
    """A signal that is given just before the wait leaves counts, though its own message comes behind.

    runs queue    wake ── signalled
    """
    waits_sync(app)
    host.send("placed")
    run = host.run()
    with cloud.hold("runs"):
        host.advance("1h 5s".replace(" ", ""))
        assert [message.json["tarry"] for message in cloud.queues["runs"].messages] == ["wake"]
        if first == "signal":
            assert host.signal(APPROVAL, "just in time").status is SignalStatus.DELIVERED
    host.advance("1s")
    if first == "deadline":
        assert host.signal(APPROVAL, "too late").status is SignalStatus.NOBODY_WAITS
    assert (run.status, run.output) == ("finished", "just in time" if first == "signal" else None)
    assert is_free(cloud)


def test_a_signal_whose_sender_writes_while_the_wait_leaves_is_refused_or_counts(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """executor    read ─────────────────── leave (refused) ── read ── done, with it
    sender              read ── deliver
    """
    waits_sync(app)
    host.send("placed")
    sent: list[SignalStatus] = []

    def put(request: Json, ask: Ask) -> Json:
        if request["Item"]["pk"]["S"].startswith("signal#") and not sent:
            sent.append(SignalStatus.DUPLICATE)  # the sender comes through here, too
            sent[0] = app.send_signal(APPROVAL, "between").status
        return ask(request)

    tamper(monkeypatch, ["DynamoDB.PutItem"], put)
    host.advance("1h")
    assert sent == [SignalStatus.DELIVERED]
    assert host.run().output == "between"


@pytest.mark.usefixtures("waiting")
def test_a_sender_that_died_before_it_told_the_run_heals_it_by_trying_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.send("placed")
    run = host.run()

    dies_untold(host, monkeypatch)
    assert run.status == "running"
    again = host.signal(APPROVAL, "yes", id="s-1")
    assert (again.status, again.run_id) == (SignalStatus.DUPLICATE, run.id)
    assert run.output == "yes"


@pytest.mark.usefixtures("waiting")
def test_a_signal_whose_sender_died_and_stays_dead_is_found_at_the_deadline(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.send("placed")
    dies_untold(host, monkeypatch)
    host.advance("1h")
    assert host.run().output == "yes"


def dies_untold(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender whose message to the run does not get through."""

    def refuse(request: Json, ask: Ask) -> Json:
        raise ReadTimeoutError(endpoint_url="https://sqs")

    with monkeypatch.context() as patch:
        skip_pauses(patch)
        tamper(patch, ["AmazonSQS.SendMessage"], refuse)
        with pytest.raises(ReadTimeoutError):
            host.signal(APPROVAL, "yes", id="s-1")


def test_a_race_that_is_lost_leaves_the_name_free(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.group.race(
            [
                lambda: ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h"),
                lambda: ctx.step.wait_for_event("paid", event="paid", timeout="1h"),
            ]
        )

    host.send("placed")
    host.send("paid")
    assert host.run().status == "finished"
    assert is_free(host.cloud)
    assert in_indexes(host.cloud) == set()


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("keep", [None, "1h"])
def test_a_sender_whose_writes_answer_is_lost_is_told_what_it_did_and_not_that_it_was_done_before(
    host: Host, monkeypatch: pytest.MonkeyPatch, keep: str | None
) -> None:
    if keep is None:
        host.send("placed")
    lost: list[bool] = []

    def lose() -> None:
        lost.append(True)
        if len(lost) == 1:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    skip_pauses(monkeypatch)
    interrupt(monkeypatch, ["DynamoDB.PutItem"], lose)
    receipt = host.cloud.app.send_signal(APPROVAL, "yes", id="s-1", keep=keep)
    assert receipt.status is (SignalStatus.KEPT if keep else SignalStatus.DELIVERED)


def test_what_the_sdk_tells_the_runs_queue_is_what_the_executor_reads(app: App, host: Host, cloud: Cloud) -> None:
    waits_sync(app)
    host.send("placed")
    with cloud.hold("runs"):
        app.send_signal(APPROVAL)
        [message] = cloud.queues["runs"].messages
    assert decode(message.body) == Signalled(host.run().id, "approved")


def test_what_cannot_be_sent_is_refused_before_anything_is(host: Host) -> None:
    with pytest.raises(UsageError, match="1 to 512 bytes"):
        host.signal("")
    with pytest.raises(UsageError, match="not JSON"):
        host.signal(APPROVAL, {1, 2})
    with pytest.raises(LimitError, match="32,000"):
        host.signal(APPROVAL, "x" * 32_000)
    with pytest.raises(UsageError, match="keep='0s'"):
        host.signal(APPROVAL, keep="0s")
    with pytest.raises(UsageError, match="id"):
        host.signal(APPROVAL, id="")
    assert mailbox(host.cloud) == {}


def test_ten_of_the_largest_and_one_more_have_room_in_a_mailbox(app: App, host: Host) -> None:
    waits_sync(app)
    data = "ä" * 15_990
    for _ in range(10):
        assert host.signal(APPROVAL, data, keep="1h", id=f"{_}" * 512).status is SignalStatus.KEPT
    with pytest.raises(LimitError, match="10 signals are already kept"):
        host.signal(APPROVAL, data, keep="1h")
    host.send("placed")
    assert host.run().output == data


def test_outside_of_the_lambdas_the_environment_must_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TARRY_TABLE", "TARRY_RUNS_QUEUE"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match=r"TARRY_SIGNALS is not set.*SignalsFunction.*grant_send_signals"):
        App("shop").send_signal(APPROVAL)


def kept_first(host: Host) -> None:
    """A run takes what is kept, waits for a second and a third."""
    host.signal(APPROVAL, "a", id="a", keep="9h")
    host.send("placed")
    host.advance("20m")
    host.cloud.app.send_signal(APPROVAL, "b", id="b", keep="9h")
    host.advance("20m")
    host.cloud.app.send_signal(APPROVAL, "c", id="c", keep="9h")
    host.advance("2h")


def in_vain(host: Host) -> None:
    """One signal, then two deadlines."""
    host.send("placed")
    host.advance("20m")
    host.cloud.app.send_signal(APPROVAL, "a", id="a", keep="9h")
    host.advance("4h")


def cancelled(host: Host) -> None:
    host.send("placed")
    runtime().queues.send_to_runs([CancelRun(host.run().id)])
    host.advance("1h")


def sent_by_a_step(host: Host) -> None:
    """The sender is an executor, too: it dies between mailbox and message."""
    host.send("placed")
    host.advance("20m")
    host.send("ready")
    host.advance("3h")


STORIES: dict[str, tuple[Callable[[Host], None], str, Any]] = {
    "kept first": (kept_first, "finished", ["a", "b", "c"]),
    "in vain": (in_vain, "finished", ["a", None, None]),
    "cancelled": (cancelled, "cancelled", None),
    "sent by a step": (sent_by_a_step, "finished", ["ready", None, None]),
}


def told(story: Callable[[Host], None], executor: Mortal) -> tuple[Any, ...]:
    """How the run ends, and what is left, with such an executor."""
    app = App("shop")
    waits_thrice(app)

    @app.create_function(fn_id="sender", trigger=TriggerEvent(event="ready"))
    async def sender(ctx: Context) -> None:
        def send() -> None:
            app.send_signal(APPROVAL, "ready", id=ctx.step.idempotency_key)

        await ctx.step.run("send", send)

    with Cloud(app) as cloud:
        host = Host(cloud)
        with cloud.dies(executor):
            story(host)
        run: HostedRun = host.run("order")
        return run.status, run.output, in_indexes(cloud), is_free(cloud), host.dead_letters


@pytest.mark.parametrize("name", STORIES)
def test_whichever_call_an_executor_dies_at_the_outcome_is_the_same_and_nothing_is_left(name: str) -> None:
    story, status, output = STORIES[name]
    immortal = Mortal("executor")
    alive = told(story, immortal)
    assert alive == (status, output, set(), True, [])
    for death in deaths("executor", immortal.calls):
        executor = Mortal("executor", death)
        assert told(story, executor) == alive, death
        assert executor.has_died, death


def test_an_executor_that_dies_where_the_name_is_taken_fails_the_run_as_a_living_one_does(app: App, host: Host) -> None:
    waits_sync(app)
    host.send("placed")
    first = host.run()
    for number, operation in ((2, "PutItem"), (3, "GetItem")):  # the step's write, the mailbox's reading
        executor = Mortal("executor", Death("executor", number, answered=True, operation=operation))
        with host.cloud.dies(executor):
            host.send("placed")
            host.advance("20m")
        second = host.run()
        assert second.id != first.id
        assert second.error is not None
        assert f"step 'approved': step 'approved' of run {first.id}" in second.error.message
    assert host.signal(APPROVAL, "yes").run_id == first.id
