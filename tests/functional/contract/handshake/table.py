"""The table as the actors see it: moto's, past its HTTP door, and an index that shows a write only when it is let."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as MotoItem
from moto.dynamodb.responses import DynamoHandler

from tarry_backend.store.models import Item, WaitsIndex, table_definition
from tarry_backend.store.step_items import ended_key
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.moto_tables import FaithfulTable
from tests.functional.contract.handshake.exploration import Touch
from tests.functional.contract.handshake.request import Answer, Request, canonical

__all__ = ["READS", "Change", "Table", "key_of", "shows", "summary", "touches"]

_INDEX = WaitsIndex.Meta.index_name
_HASH, _RANGE = Item.match_key.attr_name, Item.wait_ref.attr_name

_SHOWN = "shown"
"""Of the table that holds what the index shows: the same again, so that moto answers for it as well."""

READS = {"GetItem", "Query"}

_LOGS = ("log#", "key#")
"""Where events stand. No index shows them."""

_ACTIONS = {
    "PutItem": "put_item",
    "GetItem": "get_item",
    "DeleteItem": "delete_item",
    "UpdateItem": "update_item",
    "Query": "query",
}

Json = dict[str, Any]
Key = tuple[str, str]
Place = tuple[str, str, str]
"""The name of a table, and an item's key in it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the index is to show: an item, as it stood there before, and as it stands after."""

    key: Key
    before: Json | None
    after: Json | None


@dataclass(frozen=True, eq=False)
class _Row:
    """An item as moto holds it. ``entry`` is the item if events find it in the index, else ``None``."""

    item: MotoItem

    @cached_property
    def text(self) -> str:
        return canonical(self._attributes)

    @cached_property
    def entry(self) -> Json | None:
        return self._attributes if _is_found(self._attributes) else None

    @cached_property
    def _attributes(self) -> Json:
        attributes: Json = self.item.to_json()["Attributes"]
        return attributes


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a call gives, and how the tables are after it."""

    answer: Answer
    state: "_State"
    change: Change | None = None


@dataclass(frozen=True, eq=False)
class _State:
    """What the tables hold; and the replies to the calls that have been carried out here."""

    rows: Mapping[Place, _Row]
    replies: dict[str, _Reply] = field(default_factory=dict)


class Table:
    """Carries out the calls that Tarry makes. Two of them that touch nothing in common can change their order.

    A reply is a function of the call and of what the tables hold. So moto carries out each call once for each such
    content, in whatever plays that comes up, and the reply is remembered.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.name = cloud.settings.table
        cloud.clients.dynamodb.create_table(**table_definition(_SHOWN))
        tables = dynamodb_backends[ACCOUNT_ID][cloud.region].tables
        for name in (self.name, _SHOWN):
            tables[name].items.clear()
        self._tables = {name: FaithfulTable.become(tables[name]) for name in (self.name, _SHOWN)}
        self._moto = DynamoHandler()
        self._moto.current_account, self._moto.region = ACCOUNT_ID, cloud.region
        self._state = self._empty = _State({})
        self._states = {frozenset[tuple[Place, str]](): self._empty}
        self._in_moto: Mapping[Place, _Row] = {}

    def clear(self) -> None:
        """As it was at first."""
        self._state = self._empty

    def ask(self, request: Request) -> Answer:
        """The answer, or the error as from AWS."""
        if request.operation == "BatchWriteItem":
            for write in request.writes:
                self.ask(write)
            return Answer.of({"UnprocessedItems": {}})
        return self._reply(request).answer

    def write(self, request: Request) -> tuple[Answer, Change | None]:
        """The answer to a write, and what it changes in the index, if anything."""
        reply = self._reply(request)
        return reply.answer, reply.change

    def show(self, change: Change) -> None:
        """Lets the index show a change."""
        if change.after is not None:
            self.ask(Request("PutItem", {"TableName": _SHOWN, "Item": change.after}))
        else:
            pk, sk = change.key
            self.ask(Request("DeleteItem", {"TableName": _SHOWN, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}))

    @property
    def shown(self) -> list[Key]:
        """The items that the index shows."""
        return [(pk, sk) for table, pk, sk in self._state.rows if table == _SHOWN]

    def _reply(self, request: Request) -> _Reply:
        replies = self._state.replies
        if request.text not in replies:
            replies[request.text] = self._moto_replies(request)
        reply = replies[request.text]
        self._state = reply.state
        return reply

    def _moto_replies(self, request: Request) -> _Reply:
        self._bring_to_moto(self._state)
        if request.operation in READS:
            return _Reply(self._moto_does(request), self._state)
        key = key_of(request)
        place = (str(request.asked["TableName"]), *key)
        before = self._state.rows.get(place)
        if before is not None:  # moto may change it in its place
            self._put(place, deepcopy(before.item))
        answer = self._moto_does(request)
        item = self._item(place)
        after = _Row(item) if item is not None else None
        state = self._state_with(place, after)
        self._in_moto = state.rows
        entries = (row.entry if row else None for row in (before, after))
        change = Change(key, *entries)
        return _Reply(answer, state, change if change.before != change.after else None)

    def _state_with(self, place: Place, row: _Row | None) -> _State:
        rows = {**self._state.rows}
        rows.pop(place, None)
        if row is not None:
            rows[place] = row
        texts = frozenset((place, row.text) for place, row in rows.items())
        return self._states.setdefault(texts, _State(rows))

    def _bring_to_moto(self, state: _State) -> None:
        for place in {*self._in_moto, *state.rows}:
            row = state.rows.get(place)
            if row is not self._in_moto.get(place):
                self._put(place, row.item if row else None)
        self._in_moto = state.rows

    def _put(self, place: Place, item: MotoItem | None) -> None:
        table, *key = place
        pk, sk = (DynamoType({"S": part}) for part in key)
        self._tables[table]._restore((pk, sk), item)

    def _item(self, place: Place) -> MotoItem | None:
        table, *key = place
        pk, sk = (DynamoType({"S": part}) for part in key)
        return self._tables[table].get_item(pk, sk)

    def _moto_does(self, request: Request) -> Answer:
        asked = request.asked
        self._moto.body = {**asked, "TableName": _SHOWN} if asked.get("IndexName") == _INDEX else asked
        action = _ACTIONS[request.operation]
        try:
            return Answer.of(getattr(self._moto, action)().result)
        except DynamodbException as error:
            response: Any = {"Error": {"Code": error.relative_error_type, "Message": str(error)}}
            if "Item" in (described := json.loads(error.description)):
                response["Item"] = described["Item"]
            return Answer.refusal(response, action)


def summary(request: Request) -> str:
    """The call, for people."""
    place = " ".join(str(part) for touch in touches(request) for part in (touch.place, touch.part) if part)
    return f"{request.operation} {place}"


def touches(request: Request) -> tuple[Touch, ...]:
    """What a call reads or writes. A query reads its whole partition: rather too much than too little."""
    asked = request.asked
    if request.operation == "Query":
        value = re.search(r"= (:\w+)", asked["KeyConditionExpression"])
        assert value, f"a query without a partition: {asked}"
        partition = asked["ExpressionAttributeValues"][value[1]]["S"]
        return (Touch(f"{_INDEX} {partition}" if "IndexName" in asked else partition, None, writes=False),)
    place, part = key_of(request)
    blind = request.operation == "PutItem" and "ConditionExpression" not in asked and place.startswith(_LOGS)
    return (Touch(place, part, writes=request.operation != "GetItem", value=str(asked["Item"]) if blind else None),)


def shows(change: Change) -> tuple[Touch, ...]:
    """What changes when the index shows it."""
    entries = (entry for entry in (change.before, change.after) if entry)
    return tuple(Touch(f"{_INDEX} {entry[_HASH]['S']}", entry[_RANGE]["S"], writes=True) for entry in entries)


def _is_found(item: Json) -> bool:
    """Whether events find the item in the index. A wait that has ended stands there under a key that none has."""
    return _HASH in item and not item[_HASH]["S"].endswith(ended_key(""))


def key_of(request: Request) -> Key:
    """The key of the one item that a call is about."""
    asked = request.asked
    key = asked["Item"] if "Item" in asked else asked["Key"]
    return key["pk"]["S"], key["sk"]["S"]
