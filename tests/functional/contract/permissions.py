"""Each call of a Lambda to the table and the bucket, held against what its role allows.

No emulator asks IAM. So a call that the role lacks would be refused on AWS alone.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from botocore.client import BaseClient

from tarry_backend.store.access import ITEMS, OBJECTS
from tarry_dev.cloud import crash

__all__ = ["refused", "violations"]

violations: list[str] = []
"""The calls that IAM would have refused, since somebody cleared it."""

Request = tuple[str, list[str], set[str]]
"""An action, the partition keys, and the attributes that the request names."""


def refused(function: str, operation: str, body: Mapping[str, Any]) -> list[Request]:
    """The parts of a request to the table that the role of the function does not allow."""
    return [part for part in _parts(operation, body) if not _is_allowed(function, *part)]


def _is_allowed(function: str, action: str, keys: list[str], attributes: set[str]) -> bool:
    return any(
        action in access.actions
        and all(any(fnmatchcase(key, pattern) for pattern in access.keys) for key in keys)
        and (not access.attributes or attributes <= set(access.attributes))
        for access in ITEMS.get(function, ())
    )


def _parts(operation: str, body: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "BatchWriteItem":
            [requests] = body["RequestItems"].values()
            items = [each.get("PutRequest", {}).get("Item") or each["DeleteRequest"]["Key"] for each in requests]
            yield operation, [_key(item) for item in items], {name for item in items for name in item}
        case "BatchGetItem":
            [wanted] = body["RequestItems"].values()
            yield operation, [_key(key) for key in wanted["Keys"]], {"pk", "sk"}
        case "TransactWriteItems":
            for each in body["TransactItems"]:
                [(action, request)] = each.items()
                yield from _parts(f"{action}Item", request)
        case "Query" if "IndexName" not in body:
            name, _, value = body["KeyConditionExpression"].replace("(", "").split()[:3]
            assert body["ExpressionAttributeNames"][name] == "pk"
            yield operation, [body["ExpressionAttributeValues"][value.rstrip(")")]["S"]], set()
        case "Query":
            pass  # an index has a grant of its own
        case _:
            written: Mapping[str, Any] = body.get("Item") or body["Key"]
            yield operation, [_key(written)], set(written)


def _key(item: Mapping[str, Any]) -> str:
    key: str = item["pk"]["S"]
    return key


def _note(client: Any, operation: str, params: Any) -> Any:
    if newest := crash._under_way[-1:]:
        function, service = newest[0]._function, client.meta.service_model.service_name
        if service == "dynamodb" and params.get("TableName", "tarry") == "tarry":
            violations.extend(f"{function}: {part}" for part in refused(function, operation, params))
        patterns = OBJECTS.get(function, {}).get(operation, ())
        is_an_object = service == "s3" and operation in ("GetObject", "PutObject", "DeleteObject")
        if is_an_object and not any(fnmatchcase(params["Key"], pattern) for pattern in patterns):
            violations.append(f"{function}: {operation} {params['Key']}")
    return _carry_out(client, operation, params)


# Not a hook of botocore: the shortest way to moto is closed to a call that somebody else's hook is to hear.
_carry_out = BaseClient._make_api_call  # type: ignore[attr-defined]
BaseClient._make_api_call = _note  # type: ignore[attr-defined]
