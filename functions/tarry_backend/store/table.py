"""One DynamoDB table: it makes all requests to the table. The models say what its items look like."""

from __future__ import annotations

import time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import DeleteError, GetError, PutError, PynamoDBException, TransactWriteError, UpdateError

from tarry._wire.aws import Place
from tarry._wire.aws import client as made_when_needed
from tarry.errors import TarryError
from tarry_backend.store.batch import Batch
from tarry_backend.store.lean_client import is_plain, take_lean_road
from tarry_backend.store.models import INDEXES, Item, table_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action
    from pynamodb.indexes import GlobalSecondaryIndex

    Request = dict[str, Any]

__all__ = ["Batch", "ConditionFailedError", "OverlapError", "Table"]

T = TypeVar("T", bound=Item)

_CONDITION_FAILED = "ConditionalCheckFailedException"
"""DynamoDB's name for a write whose condition did not hold."""

_REASON = "ConditionalCheckFailed"
"""The reason in a cancelled transaction for a condition that did not hold."""

_OVERLAP = "TransactionConflict"
"""The reason in a cancelled transaction for another one that was at work on the item."""

_CONFLICT, _PAUSES = "TransactionConflictException", (0.05, 0.1, 0.2)
"""DynamoDB refuses a write to an item of a transaction at work. botocore does not repeat it: pause for so long (s)."""

_PER_READ = 100
"""The most items of one ``BatchGetItem``."""

_TRIES = 3
"""How often a batch is sent until DynamoDB has taken all of it, at most."""


class ConditionFailedError(TarryError):
    """DynamoDB refused a write, because its condition did not hold.

    ``item`` is the existing item, as DynamoDB returns it, if an update was refused and the item exists. ``refused``
    says of each item of a transaction whether its condition did not hold.
    """

    def __init__(self, message: str, item: dict[str, Any] | None = None, refused: tuple[bool, ...] = ()) -> None:
        super().__init__(message)
        self.item = item
        self.refused = refused


class OverlapError(TarryError):
    """Another transaction was at work on an item of this one. Nothing is written, and nothing decided."""


class _Connection(Connection):
    """PynamoDB's connection, with one boto3 client from the default session, made at the first request."""

    client: Any = made_when_needed(
        "dynamodb",
        take_lean_road,
        parameter_validation=False,
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=10,
        retries={"total_max_attempts": 4, "mode": "standard"},
    )

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place


class Table:
    """A table at an endpoint and in a region. Thread-safe; making one sends no request to AWS.

    ``endpoint`` and ``region`` are those of the environment, unless they are given.
    """

    def __init__(self, name: str, endpoint: str | None = None, region: str | None = None) -> None:
        self.name = name
        self.place = Place(endpoint, region)
        self._is_plain = is_plain()
        self._connection = _Connection(self.place)
        self._connection.add_meta_table(MetaTable(table_definition(name)))

    def get(self, model: type[T], pk: str, sk: str) -> T | None:
        """Read one item, strongly consistent; return ``None`` if there is none."""
        answer = self._connection.get_item(self.name, pk, range_key=sk, consistent_read=True)
        found: T | None = self._reader(model)(answer["Item"]) if answer.get("Item") else None
        return found

    def get_many(
        self,
        keys: Sequence[tuple[str, str]],
        attributes: Sequence[str] = (),
        model: type[Item] = Item,
        *,
        consistent: bool = False,
    ) -> tuple[list[Any], bool]:
        """Read items by their keys, by 100, eventually consistent unless ``consistent``: only these attributes, or all.

        Returns:
            The items that exist, in any order; and whether DynamoDB has answered for all keys.
        """
        found: list[Any] = []
        is_whole = True
        for start in range(0, len(keys), _PER_READ):
            wanted: Request = {
                "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys[start : start + _PER_READ]]
            }
            if attributes:
                names = {f"#{place}": name for place, name in enumerate(("pk", "sk", *attributes))}
                wanted |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
            if consistent:
                wanted["ConsistentRead"] = True
            answer = self._write("BatchGetItem", {"RequestItems": {self.name: wanted}}, GetError)
            found += map(self._reader(model), answer.get("Responses", {}).get(self.name, []))
            is_whole = is_whole and not answer.get("UnprocessedKeys")
        return found, is_whole

    def query(
        self,
        model: type[T],
        pk: str,
        condition: Condition | None = None,
        *,
        forward: bool = True,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[T]:
        """Read a partition in the order of its sort keys, strongly consistent, page by page as it is iterated."""
        pages = self._pages(
            self._connection.query,
            pk,
            range_key_condition=condition,
            consistent_read=True,
            scan_index_forward=None if forward else False,
            limit=page_size or limit,
        )
        return map(self._reader(model), islice(chain.from_iterable(pages), limit))

    def query_index(
        self,
        index: type[GlobalSecondaryIndex[Any]],
        key: str | float,
        condition: Condition | None = None,
        *,
        forward: bool = True,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Any]:
        """Read a partition of an index in the same way; eventually consistent."""
        hash_key, _ = INDEXES[index]
        pages = self._pages(
            self._connection.query,
            hash_key.serialize(key),
            range_key_condition=condition,
            index_name=index.Meta.index_name,
            scan_index_forward=None if forward else False,
            limit=page_size or limit,
        )
        return map(self._reader(Item), islice(chain.from_iterable(pages), limit))

    def scan(self, model: type[T], condition: Condition | None = None) -> Iterator[list[T]]:
        """Read the whole table, page by page (1 MB each)."""
        for page in self._pages(self._connection.scan, filter_condition=condition):
            yield [self._reader(model)(item) for item in page]

    def put(self, item: Item, condition: Condition | None = None) -> None:
        """Write the item in place of an earlier one; raise ``ConditionFailedError`` if the condition does not hold."""
        self._write("PutItem", self._put(item, condition), PutError)

    def put_together(self, *puts: tuple[Item, Condition]) -> None:
        """Write all of the items or none.

        Raises:
            ConditionFailedError: The condition of an item did not hold.
            OverlapError: Another transaction was at work on an item.
        """
        self._transact([self._put(item, condition) for item, condition in puts])

    def _transact(self, puts: Sequence[Request], updates: Sequence[Request] = ()) -> None:
        try:
            self._connection.transact_write_items([], [], puts, updates)
        except TransactWriteError as error:
            reasons = [None if reason is None else reason.code for reason in error.cancellation_reasons]
            if _OVERLAP in reasons and set(reasons) <= {None, _REASON, _OVERLAP}:
                raise OverlapError("another transaction was at work") from error
            if not set(reasons) <= {None, _REASON} or _REASON not in reasons:
                raise  # such as throttling: SQS delivers the message again
            refused = tuple(reason == _REASON for reason in reasons)
            raise ConditionFailedError("a condition of the transaction did not hold", refused=refused) from error

    def update(
        self, model: type[T], pk: str, sk: str, actions: Sequence[Action], condition: Condition | None = None
    ) -> T:
        """Change the item, and return the changed item. One request, also if the condition does not hold.

        Raises:
            ConditionFailedError: The condition does not hold; the error has the item as it is.
        """
        request = self._connection.get_operation_kwargs(
            self.name,
            pk,
            range_key=sk,
            actions=actions,
            condition=condition,
            return_values="ALL_NEW",
            return_values_on_condition_failure="ALL_OLD",
        )
        changed: T = self._reader(model)(self._write("UpdateItem", request, UpdateError)["Attributes"])
        return changed

    def update_together(
        self, pk: str, sk: str, actions: Sequence[Action], condition: Condition, *puts: tuple[Item, Condition]
    ) -> None:
        """Change an item and write others, all or nothing. Raises what ``put_together`` raises."""
        if not puts:
            self.update(Item, pk, sk, actions, condition)
            return
        change = self._connection.get_operation_kwargs(
            self.name, pk, range_key=sk, actions=actions, condition=condition
        )
        self._transact([self._put(item, each) for item, each in puts], [change])

    def delete(self, pk: str, sk: str, condition: Condition | None = None) -> bool:
        """Remove the item, if it exists; return false if the condition does not hold."""
        request = self._connection.get_operation_kwargs(self.name, pk, range_key=sk, condition=condition)
        try:
            self._write("DeleteItem", request, DeleteError)
        except ConditionFailedError:
            return False
        return True

    def batch(self) -> Batch:
        """Return a batch that writes items without conditions, by 25: enter it with ``with``."""
        return Batch(self._send, self._stored)

    def _reader(self, model: type[T]) -> Callable[[Request], T]:
        return model.from_raw_data if self._is_plain else model.row

    def _stored(self, item: Item) -> Request:
        return item.serialize() if self._is_plain else item.stored()

    def _pages(self, read: Callable[..., Request], *key: str, **options: Any) -> Iterator[list[Request]]:
        start: Request | None = None
        while True:
            page = read(self.name, *key, exclusive_start_key=start, **options)
            yield page["Items"]
            if (start := page.get("LastEvaluatedKey")) is None:
                return

    def _put(self, item: Item, condition: Condition | None) -> Request:
        attributes = self._stored(item)
        return self._connection.get_operation_kwargs(
            self.name, item.pk, range_key=item.sk, key="Item", attributes=attributes, condition=condition
        )

    def _write(self, operation: str, request: Request, error: type[PynamoDBException]) -> Request:
        for pause in (*_PAUSES, None):
            try:
                return self._connection.dispatch(operation, request)
            except (BotoCoreError, ClientError) as cause:
                if pause is None or _CONFLICT not in str(cause):
                    _refuse(operation, cause, error)
            time.sleep(pause)
        raise AssertionError

    def _send(self, requests: list[Request]) -> None:
        for _ in range(_TRIES):
            answer = self._write("BatchWriteItem", {"RequestItems": {self.name: requests}}, PutError)
            requests = answer.get("UnprocessedItems", {}).get(self.name, [])
            if not requests:
                return
        raise PutError(f"{len(requests)} writes to {self.name} were left over, {_TRIES} times: it is throttled")


def _refuse(operation: str, cause: Exception, error: type[PynamoDBException]) -> NoReturn:
    """Raise the error of a refused write. PynamoDB's error lacks the item, its cause has it."""
    refused = error(f"{operation} failed: {cause}", cause)
    # Without an answer (a timeout) there is no code, and PynamoDB fails when it is asked for one.
    if not isinstance(cause, ClientError) or refused.cause_response_code != _CONDITION_FAILED:
        raise refused from cause
    answer: Any = getattr(cause.__cause__, "response", {})
    raise ConditionFailedError(str(refused), answer.get("Item")) from cause
