"""An account that is kept in a file: what one cloud wrote, the next one has."""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tarry
from tarry.errors import UsageError
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, Crash, Host, MovedClock
from tarry_dev.cloud.disk import Disk

app = tarry.App("kept")
made: list[str] = []
size = 10


def charge(order: str) -> str:
    made.append(order)
    return os.urandom(size).hex()


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"))
async def order(ctx: tarry.Context) -> str:
    receipt = await ctx.step.run("charge", charge, ctx.event.data["id"])
    paid = await ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="3d")
    await ctx.step.sleep("rest", "1h")
    return f"{paid is not None} {len(receipt)}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made.clear()
    return tmp_path / "state.db"


def test_runs_waits_and_sleeps_go_on_in_the_next_cloud_and_no_stored_step_runs_again(file: Path) -> None:
    with Cloud(app, kept_in=file) as cloud:
        cloud.send(tarry.Event("order/placed", {"id": "a"}, id="1"))
        cloud.pump()
        later = cloud.clock.now()
    with Cloud(app, kept_in=file, clock=_at(later)) as cloud:
        Host(cloud).send("order/paid", {"id": "a"})
        cloud.send(tarry.Event("order/placed", {"id": "a"}, id="1"))  # the log knows it
        cloud.pump()
        later = cloud.clock.now()
    with Cloud(app, kept_in=file, clock=_at(later)) as cloud:
        cloud.advance("2h")
        assert _outputs() == ["True 20"]
    assert made == ["a"]


def test_a_message_keeps_its_receives_its_delay_and_its_way_to_the_dead_letters(file: Path) -> None:
    def fails(event: object, context: object) -> None:
        raise Crash("it dies")

    with Cloud(app, kept_in=file, handlers={"timers": fails}) as cloud:
        sent_at = cloud.clock.now()
        url = cloud.queues["timers"].url
        cloud.clients.sqs.send_message(QueueUrl=url, MessageBody="now")
        cloud.clients.sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
        cloud.pump()
        most = cloud.queues["timers"].spec.max_receives
    for receives in range(1, most):
        with Cloud(app, kept_in=file, handlers={"timers": fails}, clock=_at(sent_at)) as cloud:
            now, later = cloud.queues["timers"].messages
            assert (now.body, now.receives, now.sent_at) == ("now", receives, sent_at)
            assert (later.body, later.receives) == ("later", 0)
            cloud.pump()
    with Cloud(app, kept_in=file, handlers={"timers": fails}, clock=_at(sent_at)) as cloud:
        cloud.pump()
        assert [each.body for each in cloud.dead_letters("timers")] == ["now"]
        assert [each.body for each in cloud.queues["timers"].messages] == ["later"]
    with Cloud(app, kept_in=file, clock=_at(sent_at)) as cloud:
        assert [each.body for each in cloud.dead_letters("timers")] == ["now"]
        assert cloud.next_moment == sent_at + 1 + 900_000
        assert cloud.redrive("timers") == 1
    with Cloud(app, kept_in=file, clock=_at(sent_at)) as cloud:
        assert cloud.dead_letters("timers") == []
        assert sorted(each.body for each in cloud.queues["timers"].messages) == ["later", "now"]


def test_a_deduplication_id_counts_in_the_next_cloud_too(file: Path) -> None:
    def send(cloud: Cloud) -> int:
        with cloud.hold("runs"):
            cloud.clients.sqs.send_message(
                QueueUrl=cloud.queues["runs"].url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
            )
            return len(cloud.queues["runs"].messages)

    with Cloud(app, kept_in=file) as cloud:
        began = cloud.clock.now()
        assert send(cloud) == 1
    with Cloud(app, kept_in=file, clock=_at(began + 299_000)) as cloud:
        assert send(cloud) == 1
    with Cloud(app, kept_in=file, clock=_at(began + 301_000)) as cloud:
        assert send(cloud) == 2
    with Cloud(app, kept_in=file, clock=_at(began + 302_000)) as cloud:
        assert len(cloud.queues["runs"].messages) == 2


def test_a_message_that_was_received_twice_is_deleted_for_good(file: Path) -> None:
    with Cloud(app, kept_in=file) as cloud:
        url, queue = cloud.queues["timers"].url, cloud.queues["timers"]
        for body in ("gone", "stays"):
            cloud.clients.sqs.send_message(QueueUrl=url, MessageBody=body)
        first = queue.receive()
        for message in first:
            cloud.clients.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message.receipt, VisibilityTimeout=0
            )
        cloud.clock.move_to(cloud.clock.now() + 10)
        second = queue.receive()
        assert [each.body for each in second] == ["gone", "stays"]
        cloud.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=second[0].receipt)
        left = [each.body for each in queue.messages]
        later = cloud.clock.now()
    with Cloud(app, kept_in=file, clock=_at(later)) as cloud:
        assert [each.body for each in cloud.queues["timers"].messages] == left == ["stays"]
        assert cloud.queues["timers"].messages[0].receives == 2


def test_a_value_that_is_too_large_for_an_item_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.size", 300_000)
    with Cloud(app, kept_in=file) as cloud:
        Host(cloud).send("order/placed", {"id": "a"})
        later = cloud.clock.now()
    with Cloud(app, kept_in=file, clock=_at(later)) as cloud:
        Host(cloud).send("order/paid", {"id": "a"})
        cloud.advance("2h")
        assert _outputs() == ["True 600000"]


def test_nothing_is_on_disk_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Cloud(app) as cloud:
        Host(cloud).send("order/placed", {"id": "a"})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_cloud_has_or_that_is_none_is_refused(file: Path) -> None:
    with Cloud(app, kept_in=file), pytest.raises(UsageError, match=r"cannot be used: database is locked"):
        Disk(file)
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(UsageError, match=r"not a database.*--fresh"), Cloud(app, kept_in=file):
        pass
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("pragma user_version = 99")
    other.close()
    with pytest.raises(UsageError, match="its version is 99"), Cloud(app, kept_in=file):
        pass


def _at(moment: int) -> MovedClock:
    return MovedClock(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment))


def _outputs() -> list[object]:
    return [json.loads(each.run.output or "null") for each in runtime().store.queries.newest_runs(["order"])]
