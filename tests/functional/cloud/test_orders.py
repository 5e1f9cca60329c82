"""The orders of messages and items: they give what a look at each of them gives, and cost the same with many."""

import time
from itertools import islice
from random import Random
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table as MotoTable
from moto.sqs.models import Message

from tarry_dev.cloud import Cloud
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.message_order import MessageOrder
from tarry_dev.cloud.moto_tables import FaithfulTable
from tests.functional.cloud.recorder import Recorder, send_run, send_timer

MANY = 4_000


def message(order: MessageOrder, group: str | None, sent: int, delayed: int) -> Message:
    made = Message(f"{sent}", "body")
    made.sent_timestamp = sent  # type: ignore[assignment]
    made.group_id, made.delayed_until = group, delayed
    order.add(made)
    return made


def receivable(messages: list[Message], now: int, fifo: bool) -> list[Message]:
    """By a look at each: what is visible, in the order of arrival, and of no group that has one in flight."""
    busy = {each.group_id for each in messages if each.visible_at >= now} if fifo else set()
    seen = [each for each in messages if each.visible_at < now and each.delayed_until <= now]
    return [each for each in seen if each.group_id not in busy or not fifo]


@pytest.mark.parametrize("fifo", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_messages_gives_what_a_look_at_each_gives(fifo: bool, seed: int) -> None:
    random, order, now = Random(seed), MessageOrder(fifo), 1_000
    kept: list[Message] = []
    for turn in range(300):
        now += random.randint(0, 3)
        expected = receivable(kept, now, fifo)
        assert order.has_ready(now) == bool(expected)
        taken = list(islice(order.candidates(now), random.choice([1, 3, 10])))
        assert taken == expected[: len(taken)]
        assert taken or not expected
        for each in taken:
            each.visible_at = now + random.choice([1, 5, 40])
            order.give(each, f"{turn} {each.id}")
            order.changed(each)
        for each in random.sample(kept, min(len(kept), random.choice([0, 0, 1, 2]))):
            kept.remove(each)
            order.remove(each)
        for number in range(random.choice([0, 0, 1, 4])):
            delayed = 0 if fifo or random.random() < 0.5 else now + random.randint(1, 30)
            kept.append(message(order, random.choice("abc") if fifo else None, 1_000 * turn + number, delayed))
        assert list(order) == kept
        assert order.count_delayed(now) == sum(each.delayed_until > now for each in kept)
        assert order.count_in_flight(now) == sum(each.visible_at >= now for each in kept)


def test_a_full_queue_is_emptied_in_time_that_grows_with_its_messages_only(cloud: Cloud, executor: Recorder) -> None:
    def seconds(count: int) -> float:
        for number in range(count):
            send_run(cloud, f"{count} {number}", str(number))
        began = time.process_time()
        cloud.pump()
        return time.process_time() - began

    few, many = seconds(MANY // 8), seconds(MANY)
    assert many < 8 * few * 6, "each message is found at once, however many wait"  # a search would take 64 times
    assert len(executor.bodies) == MANY + MANY // 8


def test_a_queue_of_delayed_messages_does_not_slow_the_others(cloud: Cloud, timers: Recorder) -> None:
    def seconds() -> float:
        began = time.process_time()
        for number in range(100):
            send_timer(cloud, f"now {number}")
            cloud.pump()
        return time.process_time() - began

    alone = seconds()
    for number in range(MANY):
        cloud.clients.sqs.send_message(
            QueueUrl=cloud.queues["timers"].url, MessageBody=f"later {number}", DelaySeconds=900
        )
    assert seconds() < 6 * alone
    assert len(timers.bodies) == 200


def moto_table(cloud: Cloud) -> FaithfulTable:
    table = dynamodb_backends[ACCOUNT_ID][cloud.region].tables[cloud.settings.table]
    assert isinstance(table, FaithfulTable)
    return table


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def fill(table: FaithfulTable, cloud: Cloud, random: Random) -> None:
    client = cloud.clients.dynamodb
    for _ in range(150):
        key: Any = {"pk": text(f"run#{random.randrange(4)}"), "sk": text(f"step#{random.randrange(12)}")}
        if random.random() < 0.2:
            client.delete_item(TableName=table.name, Key=key)
        elif random.random() < 0.4:
            client.update_item(
                TableName=table.name,
                Key=key,
                UpdateExpression="SET due = :due, due_shard = :shard",
                ExpressionAttributeValues={":due": number(random.randrange(9)), ":shard": number(random.randrange(2))},
            )
        else:
            due = {"due": number(random.randrange(9)), "due_shard": number(1)} if random.random() < 0.6 else {}
            client.put_item(TableName=table.name, Item={**key, **due})


RANGES: list[tuple[str | None, int]] = [
    (None, 0),
    ("=", 1),
    ("<", 1),
    ("<=", 1),
    (">", 1),
    (">=", 1),
    ("BETWEEN", 2),
    ("BEGINS_WITH", 1),
]


@pytest.mark.parametrize("seed", range(5))
def test_a_query_gives_what_motos_own_gives_page_by_page(cloud: Cloud, seed: int) -> None:
    random, table = Random(seed), moto_table(cloud)
    fill(table, cloud, random)
    for _ in range(150):
        index = random.choice([None, "due"])
        comparison, count = random.choice(RANGES if index is None else RANGES[:-1])
        shard, run = number(random.randrange(2)), text(f"run#{random.randrange(5)}")
        hash_key = DynamoType(run if index is None else shard)
        name = "pk" if index is None else "due_shard"
        values = [
            DynamoType(text(f"step#{random.randrange(12)}") if index is None else number(random.randrange(9)))
            for _ in range(count)
        ]
        values.sort(key=lambda value: value.cast_value)
        limit, forward, start = random.choice([1, 2, 5, 1_000]), random.random() < 0.5, None
        conditions: dict[str, Any] = {"index_name": index, "hash_key_conditions": [(name, hash_key)]}
        while True:
            asked: Any = hash_key, comparison, values, limit, start, forward, None
            ours, seen, more = table.query(*asked, **conditions)
            theirs = MotoTable.query(table, *asked, **conditions)
            assert ([each.to_json() for each in ours], seen) == ([each.to_json() for each in theirs[0]], theirs[1])
            assert more == theirs[2]
            if more is None:
                break
            start = {name: value.to_json() for name, value in more.items()}


def test_an_index_query_costs_the_same_with_many_waits(cloud: Cloud) -> None:
    table, client = moto_table(cloud), cloud.clients.dynamodb

    def put(first: int, last: int) -> None:
        for each in range(first, last):
            item: Any = {"pk": text(f"run#{each}"), "sk": text("wait"), "match_key": text(f"key {each}")}
            client.put_item(TableName=table.name, Item={**item, "wait_ref": text("ref")})

    def seconds() -> float:
        began = time.process_time()
        for each in range(100):
            found = client.query(
                TableName=table.name,
                IndexName="waits",
                KeyConditionExpression="match_key = :key",
                ExpressionAttributeValues={":key": text(f"key {each}")},
            )
            assert found["Count"] == 1
        return time.process_time() - began

    put(0, 100)
    seconds()
    few = seconds()
    put(100, MANY)
    assert seconds() < 2.5 * few


def test_a_transaction_that_fails_leaves_each_item_and_index_as_it_was(cloud: Cloud) -> None:
    table, client = moto_table(cloud), cloud.clients.dynamodb
    key: Any = {"pk": text("old"), "sk": text("run")}
    client.put_item(TableName=table.name, Item={**key, "due": number(1), "due_shard": number(0)})
    place: Any = {"TableName": table.name}
    update: Any = {"UpdateExpression": "SET due = :due", "ExpressionAttributeValues": {":due": number(7)}}
    put: Any = {"Item": {**key, "pk": text("new"), "due": number(2), "due_shard": number(0)}}
    check: Any = {"Key": {**key, "pk": text("none")}, "ConditionExpression": "attribute_exists(pk)"}
    actions: Any = [
        {"Update": {**place, "Key": key, **update}},
        {"Put": {**place, **put}},
        {"ConditionCheck": {**place, **check}},
    ]
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=actions)
    assert [(item.hash_key.value, item.attrs["due"].value) for item in table.indexed("due")] == [("old", "1")]
    assert [item["pk"] for item in client.scan(TableName=table.name)["Items"]] == [text("old")]
