"""Calls to AWS, well and ill, one after the other: what each of the embedded cloud's services is asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tarry_backend.store.models import table_definition
from tarry_dev.cloud import Cloud

__all__ = ["ITEM", "SCRIPTS", "Script", "key"]

Json = dict[str, Any]
Calls = Iterator[tuple[str, Json]]


@dataclass(frozen=True, slots=True)
class Script:
    """The service's name, as boto knows it, and what it is asked: operations, each with its parameters."""

    service: str
    calls: Callable[[Cloud], Calls]


ITEM: Json = {
    "pk": {"S": "run#1"},
    "sk": {"S": "a"},
    "text": {"S": "Ä"},
    "empty": {"S": ""},
    "number": {"N": "1.50"},
    "bytes": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "binaries": {"BS": [b"\x00", b"\x01"]},
    "numbers": {"NS": ["1", "2"]},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"M": {"B": {"B": b"b"}}}]},
    "map": {"M": {"B": {"S": "not binary"}, "BS": {"L": []}, "inner": {"M": {}}}},
}

IF_NEW: Json = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

BY_BYTES: Json = {
    "ConditionExpression": "#b = :b and contains(binaries, :c)",
    "ExpressionAttributeNames": {"#b": "bytes"},
    "ExpressionAttributeValues": {":b": {"B": b"\x00\xff"}, ":c": {"B": b"\x01"}},
}

IN_GROUP = {"MessageGroupId": "a", "MessageDeduplicationId": "1"}


def key(sk: str) -> Json:
    return {"pk": {"S": "run#1"}, "sk": {"S": sk}}


def puts(cloud: Cloud) -> Calls:
    table = {"TableName": cloud.settings.table}
    yield "PutItem", {**table, "Item": ITEM}
    yield "PutItem", {**table, "Item": ITEM | key("b"), "ReturnConsumedCapacity": "TOTAL"}
    yield "PutItem", {**table, "Item": ITEM, "ReturnValues": "ALL_OLD"}
    yield "PutItem", {**table, "Item": ITEM, **BY_BYTES}
    yield "PutItem", {**table, "Item": ITEM, **IF_NEW}
    yield "PutItem", {**table, "Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}
    yield "PutItem", {**table, "Item": ITEM, "ConditionExpression": "size("}
    yield "PutItem", {**table, "Item": ITEM | {"sk": {"S": ""}}}
    yield "PutItem", {**table, "Item": ITEM | {"long": {"S": "x" * 500_000}}}
    yield "PutItem", {"TableName": "none", "Item": ITEM}
    yield "DeleteItem", {**table, "Key": key("a"), **IF_NEW}
    yield "DeleteItem", {**table, "Key": key("a"), "ReturnValues": "ALL_OLD"}
    yield "DeleteItem", {**table, "Key": key("a")}


def updates(cloud: Cloud) -> Calls:
    table = {"TableName": cloud.settings.table}
    at_a = {**table, "Key": key("a")}
    yield "PutItem", {**table, "Item": ITEM}
    bytes_for_flag = {"UpdateExpression": "SET flag = :f", "ExpressionAttributeValues": {":f": {"B": b"\xff"}}}
    for values in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        yield "UpdateItem", {**at_a, **bytes_for_flag, "ReturnValues": values}
        yield "UpdateItem", {**at_a, "UpdateExpression": "REMOVE flag", "ReturnValues": values}
    one_more = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    yield "UpdateItem", {**table, "Key": key("new"), **one_more}
    yield "UpdateItem", {**at_a, "UpdateExpression": "REMOVE flag", **IF_NEW}
    yield "UpdateItem", {**at_a, "UpdateExpression": "SET pk = :f", "ExpressionAttributeValues": {":f": {"S": "x"}}}
    yield "Scan", table


def reads(cloud: Cloud) -> Calls:
    table = {"TableName": cloud.settings.table}
    of_run: Json = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "run#1"}}}
    for sk in "abc":
        yield "PutItem", {**table, "Item": ITEM | key(sk)}
    yield "GetItem", {**table, "Key": key("a"), "ConsistentRead": True}
    projection = {"ProjectionExpression": "pk, binaries, #l", "ExpressionAttributeNames": {"#l": "list"}}
    yield "GetItem", {**table, "Key": key("a"), **projection}
    yield "GetItem", {**table, "Key": key("none")}
    yield "GetItem", {**table, "Key": {"wrong": {"S": "a"}}}
    yield "Query", {**table, **of_run}
    yield "Query", {**table, **of_run, "Limit": 2, "ReturnConsumedCapacity": "INDEXES"}
    yield "Query", {**table, **of_run, "Limit": 1, "ScanIndexForward": False, "ExclusiveStartKey": key("b")}
    yield "Query", {**table, **of_run, "Select": "COUNT"}
    yield "Query", {**table, **of_run, "IndexName": "waits"}
    yield "Query", {**table, **of_run, "IndexName": "none"}
    yield "Query", {**table, **of_run, "FilterExpression": "attribute_exists(number)"}
    yield "Query", {**table, **of_run, "FilterExpression": "size(#b) > :n"}
    yield "Scan", {**table}
    yield "Scan", {**table, "Limit": 1, "FilterExpression": "wrong wrong"}


def batches(cloud: Cloud) -> Calls:
    def write(*writes: Json) -> tuple[str, Json]:
        return "BatchWriteItem", {"RequestItems": {cloud.settings.table: [*writes]}}

    put = {"PutRequest": {"Item": ITEM}}
    yield write(put, {"DeleteRequest": {"Key": key("b")}})
    yield write(put, put)
    yield "BatchGetItem", {"RequestItems": {cloud.settings.table: {"Keys": [key("a"), key("none")]}}}
    yield "CreateTable", dict(table_definition("other"))
    yield "CreateTable", dict(table_definition("other"))
    expiry = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"}}
    yield "UpdateTimeToLive", {"TableName": "other", **expiry}
    yield "UpdateTimeToLive", {"TableName": "none", **expiry}


def transactions(cloud: Cloud) -> Calls:
    def put(sk: str, **asked: Any) -> Json:
        return {"Put": {"TableName": cloud.settings.table, "Item": ITEM | key(sk), **asked}}

    def transact(*writes: Json) -> tuple[str, Json]:
        return "TransactWriteItems", {"TransactItems": [*writes]}

    yield transact(put("d"), put("e"))
    yield transact(put("f"), put("e", **IF_NEW))
    yield transact(put("e", **IF_NEW), put("d"))
    yield transact(put("g"), put("g"))
    yield "Scan", {"TableName": cloud.settings.table}


def sends(cloud: Cloud) -> Calls:
    timers, runs = {"QueueUrl": cloud.settings.timers_queue}, {"QueueUrl": cloud.settings.runs_queue}
    attributes = {
        "text": {"DataType": "String", "StringValue": "a"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\xff"},
    }
    yield "SendMessage", {**timers, "MessageBody": "Ä & <b>", "DelaySeconds": 0, "MessageAttributes": attributes}
    yield "SendMessage", {**runs, "MessageBody": "a", **IN_GROUP}
    yield "SendMessage", {**runs, "MessageBody": "no group"}
    yield "SendMessage", {**timers, "MessageBody": "\x00"}
    late = {"Id": "b", "MessageBody": "b", "DelaySeconds": 5}
    yield "SendMessageBatch", {**timers, "Entries": [{"Id": "a", "MessageBody": "a"}, late]}
    yield "SendMessageBatch", {**timers, "Entries": [{**late, "DelaySeconds": 5_000}]}
    yield "SendMessageBatch", {**timers, "Entries": [late, late]}
    yield "SendMessageBatch", {**runs, "Entries": [{"Id": "a", "MessageBody": "a", **IN_GROUP}]}
    yield "SendMessageBatch", {**timers, "Entries": []}
    yield "SendMessageBatch", {"QueueUrl": f"{cloud.settings.timers_queue}-none", "Entries": [late]}
    yield "ReceiveMessage", {**timers, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    yield "ReceiveMessage", {**timers, "MaxNumberOfMessages": 10}
    yield "ReceiveMessage", {**timers, "MaxNumberOfMessages": 10}
    yield "ReceiveMessage", {**timers, "MaxNumberOfMessages": 11}
    yield "CreateQueue", {"QueueName": "new.fifo", "Attributes": {"FifoQueue": "true"}}
    yield "CreateQueue", {"QueueName": "new.fifo", "Attributes": {"FifoQueue": "false"}}


def receipts(cloud: Cloud) -> Calls:
    runs = {"QueueUrl": cloud.settings.runs_queue}
    yield "SendMessage", {**runs, "MessageBody": "a", **IN_GROUP}
    (message,) = cloud.queues["runs"].receive()
    mine = {**runs, "ReceiptHandle": message.receipt}
    yield "ChangeMessageVisibility", {**mine, "VisibilityTimeout": 2}
    yield "ChangeMessageVisibility", {**mine, "VisibilityTimeout": 50_000}
    yield "ChangeMessageVisibility", {**runs, "ReceiptHandle": "none", "VisibilityTimeout": 2}
    yield "DeleteMessageBatch", {**runs, "Entries": [{"Id": "a", "ReceiptHandle": message.receipt}]}
    yield "DeleteMessageBatch", {**runs, "Entries": []}


def bus(cloud: Cloud) -> Calls:
    event = {"Source": "shop", "DetailType": "Ä&b=c", "Detail": '{"a": "&b=c"}', "EventBusName": cloud.bus}
    rule = {"Name": "new", "EventBusName": "new"}
    target = {"Id": "a", "Arn": "arn:aws:sqs:us-east-1:123456789012:a"}
    yield "PutEvents", {"Entries": [event]}
    yield "PutEvents", {"Entries": [event, event | {"Detail": "no JSON"}, event | {"Source": ""}]}
    yield "PutEvents", {"Entries": [event] * 11}
    yield "CreateEventBus", {"Name": "new"}
    yield "CreateEventBus", {"Name": "new"}
    yield "PutRule", {**rule, "EventPattern": '{"source": ["a"]}'}
    yield "PutRule", {**rule, "EventPattern": "no JSON"}
    yield "PutTargets", {"Rule": "new", "EventBusName": "new", "Targets": [target]}
    yield "PutTargets", {"Rule": "none", "EventBusName": "new", "Targets": [target]}


SCRIPTS = {
    "puts": Script("dynamodb", puts),
    "updates": Script("dynamodb", updates),
    "reads": Script("dynamodb", reads),
    "batches": Script("dynamodb", batches),
    "transactions": Script("dynamodb", transactions),
    "sends": Script("sqs", sends),
    "receipts": Script("sqs", receipts),
    "bus": Script("events", bus),
}
