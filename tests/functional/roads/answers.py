"""A corpus of DynamoDB's answers: what a table can hold, and each kind of error."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

__all__ = ["ANSWERS", "ERRORS", "ITEM", "ODD"]

_BYTES = bytes(range(256))


def _b(data: bytes) -> str:
    return b64encode(data).decode()


ITEM: dict[str, Any] = {
    "pk": {"S": 'run#zoë ☃ \U0001f600 \x00\x1f"\\'},
    "sk": {"S": "step#\u2028\u2029\ud800"},
    "empty": {"S": ""},
    "no bytes": {"B": ""},
    "bytes": {"B": _b(_BYTES)},
    "large": {"B": _b(_BYTES * 4_000)},
    "digits": {"N": "12345678901234567890123456789012345678"},
    "fraction": {"N": "-0.00000000000000000000000000000000000012345678901234567890123456789012345678"},
    "exponent": {"N": "1E+125"},
    "zero": {"N": "0"},
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
    "texts": {"SS": ["a", "ä", ""]},
    "numbers": {"NS": ["1", "-2.5"]},
    "binaries": {"BS": [_b(b""), _b(_BYTES)]},
    "no list": {"L": []},
    "no map": {"M": {}},
    "no texts": {"SS": []},
    "list": {"L": [{"S": "a"}, {"B": _b(b"b")}, {"L": [{"M": {"x": {"N": "1"}}}]}, {"NULL": True}]},
    "map": {"M": {"B": {"B": _b(b"b")}, "S": {"M": {"S": {"S": "S"}}}, "": {"BS": [_b(b"c")]}}},
}

_CAPACITY = {"TableName": "t", "CapacityUnits": 0.5}

ANSWERS: dict[str, list[Any]] = {
    "GetItem": [
        {},
        {"Item": ITEM},
        {"Item": {}},
        {"Item": {"pk": {"S": "a"}}, "ConsumedCapacity": _CAPACITY},
        {"Item": {}, "ConsumedCapacity": {**_CAPACITY, "Table": {"CapacityUnits": 0.5}}},
    ],
    "PutItem": [
        {},
        {"Attributes": ITEM},
        {"ConsumedCapacity": _CAPACITY},
        {"ItemCollectionMetrics": {"SizeEstimateRangeGB": [0.0, 1.0]}},
    ],
    "UpdateItem": [{}, {"Attributes": ITEM, "ConsumedCapacity": _CAPACITY}],
    "Query": [
        {"Items": [], "Count": 0, "ScannedCount": 0},
        {
            "Items": [ITEM, {"pk": {"S": "a"}}, {}],
            "Count": 3,
            "ScannedCount": 3,
            "LastEvaluatedKey": {"pk": {"S": "a"}},
        },
        {"Items": [{"pk": {"S": "a"}}] * 300, "Count": 300, "ScannedCount": 300, "ConsumedCapacity": _CAPACITY},
        {"Count": 7, "ScannedCount": 9},
    ],
    "BatchGetItem": [
        {"Responses": {"t": [ITEM], "u": []}, "UnprocessedKeys": {}, "ConsumedCapacity": [_CAPACITY]},
        {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [{"pk": {"S": "a"}, "b": {"B": _b(b"x")}}]}}},
    ],
    "BatchWriteItem": [
        {"UnprocessedItems": {}, "ConsumedCapacity": [_CAPACITY]},
        {"UnprocessedItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"pk": {"S": "a"}}}}]}},
    ],
}
"""Answers that DynamoDB may give, by operation."""

ODD: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"<html>Service Unavailable</html>",
    b"\xff\xfe",
    b'{"Item": null}',
    b'{"Item": {"pk": null}}',
    b'{"Item": {"pk": {}}}',
    b'{"Item": {"pk": {"S": null}}}',
    b'{"Item": {"pk": {"S": "a", "N": "1"}}}',
    b'{"Item": {"pk": {"S": "a", "N": null}}}',
    b'{"Item": {"pk": {"X": "a"}}}',
    b'{"Item": {"pk": {"__type": "x", "S": "a"}}}',
    b'{"Item": {"pk": {"S": 1}}}',
    b'{"Item": {"pk": {"N": 1}}}',
    b'{"Item": {"pk": {"B": "!"}}}',
    b'{"Item": {"pk": {"B": "YQ"}}}',
    b'{"Item": {"pk": {"B": 1}}}',
    b'{"Item": {"pk": {"B": "\xc3\xa4"}}}',
    b'{"Item": {"pk": {"BS": [null]}}}',
    b'{"Item": {"pk": {"BS": null}}}',
    b'{"Item": {"pk": {"SS": [null]}}}',
    b'{"Item": {"pk": {"SS": "abc"}}}',
    b'{"Item": {"pk": {"L": [null]}}}',
    b'{"Item": {"pk": {"L": {}}}}',
    b'{"Item": {"pk": {"M": []}}}',
    b'{"Item": {"pk": {"M": null}}}',
    b'{"Item": {"pk": {"BOOL": "true"}}}',
    b'{"Item": {"pk": {"NULL": null}}}',
    b'{"Item": []}',
    b'{"Item": "a"}',
    b'{"Item": {"pk": {"S": "a"}}, "New": {"S": 1}}',
    b'{"Item": {"pk": {"S": "a"}}, "Item": {"pk": {"S": "b"}}}',
    b'{"ConsumedCapacity": null}',
    b'{"ConsumedCapacity": {"TableName": null}}',
    b'{"ConsumedCapacity": []}',
    b'{"Item": {"pk": {"L": [' + b'{"L": [' * 30 + b"]}" * 30 + b"]}}}",
]
"""What no answer of DynamoDB is, and may come all the same."""

_PREFIX = "com.amazonaws.dynamodb.v20120810#"

ERRORS: list[tuple[int, dict[str, Any]]] = [
    (400, {"__type": f"{_PREFIX}ConditionalCheckFailedException", "message": "The conditional request failed"}),
    (400, {"__type": f"{_PREFIX}ConditionalCheckFailedException", "Message": "failed", "Item": ITEM}),
    (400, {"__type": f"{_PREFIX}ResourceNotFoundException", "message": "no table ☃"}),
    (400, {"__type": f"{_PREFIX}ProvisionedThroughputExceededException", "message": "slow down"}),
    (400, {"__type": f"{_PREFIX}RequestLimitExceeded", "message": "slow down"}),
    (400, {"__type": "com.amazon.coral.availability#ThrottlingException", "message": "slow down"}),
    (400, {"__type": "com.amazon.coral.validate#ValidationException", "message": "One or more parameter values"}),
    (400, {"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": "the token is invalid"}),
    (400, {"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "the token has expired"}),
    (400, {"__type": f"{_PREFIX}ItemCollectionSizeLimitExceededException", "message": "10 GB"}),
    (400, {"__type": f"{_PREFIX}TransactionConflictException", "message": "another"}),
    (
        400,
        {
            "__type": f"{_PREFIX}TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Item": ITEM}, {"Code": "None"}],
        },
    ),
    (400, {}),
    (403, {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "not authorized"}),
    (413, {"__type": "RequestEntityTooLarge", "message": "large"}),
    (500, {"__type": f"{_PREFIX}InternalServerError", "message": "oh"}),
    (503, {"__type": "com.amazon.coral.availability#ServiceUnavailableException", "message": "later"}),
]
"""Errors with their HTTP status."""
