"""DynamoDB's answers, read without a walk along the service's description.

botocore asks the description about each attribute of each item. Here the JSON is taken as it is, and only binary
values are decoded. An answer with anything else in it is left to botocore, which reads it, or raises.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Value = dict[str, Any]

__all__ = ["read", "read_at_once"]


class _UnusualError(Exception):
    """The answer has something for which botocore is asked."""


def read_at_once(operation_model: Any, response_dict: Any, customized_response_dict: Any, **_: object) -> None:
    """Read a known answer in place of botocore; a handler of ``before-parse``.

    botocore adds ``customized_response_dict`` to what it reads itself. So it gets an empty answer to read.
    """
    if response_dict["status_code"] != 200 or operation_model.name not in _ANSWERS:
        return
    answer = read(operation_model.name, response_dict["body"])
    if answer is not None:
        customized_response_dict.update(answer)
        response_dict["body"] = b"{}"


def read(operation: str, body: bytes) -> dict[str, Any] | None:
    """Return the answer as botocore would return it, without its metadata; ``None`` if botocore must read it."""
    try:
        answer = json.loads(body.decode())
        members = _ANSWERS[operation]
        for name, member in answer.items():
            members[name](member)
    except (_UnusualError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    result: dict[str, Any] = answer
    return result


def _item(item: Mapping[str, Value]) -> None:
    """Decode the binary values in an item. Each value has one key, its type."""
    for value in item.values():
        [(kind, content)] = value.items()
        if kind == "B":
            value["B"] = a2b_base64(content)
        elif kind in ("S", "N"):
            if type(content) is not str:
                raise _UnusualError
        else:
            _FURTHER[kind](value, content)


def _items(items: list[Mapping[str, Value]]) -> None:
    for item in items:
        _item(item)


def _texts(_: Value, content: Any) -> None:
    if type(content) is not list or not all(type(each) is str for each in content):
        raise _UnusualError


def _binaries(value: Value, content: Any) -> None:
    value["BS"] = [a2b_base64(each) for each in content]


def _truth(_: Value, content: Any) -> None:
    if type(content) is not bool:
        raise _UnusualError


def _list(_: Value, content: Any) -> None:
    if type(content) is not list:
        raise _UnusualError
    for each in content:
        _item({"": each})


def _map(_: Value, content: Any) -> None:
    _item(content)


_FURTHER: dict[str, Callable[[Value, Any], None]] = {
    "SS": _texts,
    "NS": _texts,
    "BS": _binaries,
    "BOOL": _truth,
    "NULL": _truth,
    "L": _list,
    "M": _map,
}


def _number(content: Any) -> None:
    if type(content) is not int:
        raise _UnusualError


def _nothing(content: Any) -> None:
    if content != {}:
        raise _UnusualError  # of what DynamoDB did not process there is little: botocore reads it


def _capacity(content: Any) -> None:
    if not content.keys() <= {"TableName", "CapacityUnits"} or None in content.values():
        raise _UnusualError


def _capacities(content: Any) -> None:
    for each in content:
        _capacity(each)


def _tables(content: Mapping[str, list[Mapping[str, Value]]]) -> None:
    for items in content.values():
        _items(items)


_ANSWERS: dict[str, dict[str, Callable[[Any], None]]] = {
    "GetItem": {"Item": _item, "ConsumedCapacity": _capacity},
    "PutItem": {"Attributes": _item, "ConsumedCapacity": _capacity},
    "UpdateItem": {"Attributes": _item, "ConsumedCapacity": _capacity},
    "Query": {
        "Items": _items,
        "Count": _number,
        "ScannedCount": _number,
        "LastEvaluatedKey": _item,
        "ConsumedCapacity": _capacity,
    },
    "BatchGetItem": {"Responses": _tables, "UnprocessedKeys": _nothing, "ConsumedCapacity": _capacities},
    "BatchWriteItem": {"UnprocessedItems": _nothing, "ConsumedCapacity": _capacities},
}
"""What is read here, by operation and member. A member that is not here is botocore's to read."""
