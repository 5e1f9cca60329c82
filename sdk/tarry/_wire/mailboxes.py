"""Mailboxes in the app's table, as senders (who may be anywhere) and the executor use them.

item      pk                              sk                           carries
signal    signal#<name>                   signal                       the mailbox as JSON, and its last writer's mark

Only this item's form is here and not in ``tarry_backend.store.models``: a web service that sends signals has only the
SDK.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from tarry._wire.aws import ENVIRONMENT, client
from tarry._wire.mailbox import Kept, Letter, Mailbox, Sent, Waiter
from tarry.errors import SignalError
from tarry.event import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from tarry._wire.aws import Place

__all__ = ["ATTRIBUTES", "REMEMBERED_DAYS", "SIGNALS", "Mailboxes"]

T = TypeVar("T")

REMEMBERED_DAYS = 7
"""How many days an idle mailbox remembers the signals that were sent."""

SIGNALS = "signal#"
"""The prefix of the partition keys."""

_PK, _SK, _EXPIRES = "pk", "sk", "expires"
_BOX, _WRITTEN_BY = "mailbox", "written_by"

ATTRIBUTES = (_PK, _SK, _BOX, _WRITTEN_BY, _EXPIRES)
"""The attributes of a mailbox's item. None of them is the key of an index."""

_TRIES = 20

_State = tuple[Mailbox, str | None]
"""A mailbox, and the mark of who wrote it; ``None`` if it was never written."""


class Mailboxes:
    """The mailboxes of one app, by the names of signals. Thread-safe."""

    _client: DynamoDBClient = client("dynamodb")

    def __init__(self, table: str, place: Place = ENVIRONMENT) -> None:
        self._table = table
        self._place = place

    def look(self, name: str) -> Mailbox:
        """Read the mailbox as it is now (strongly consistent)."""
        return self._read(name)[0]

    def change(self, name: str, decide: Callable[[Mailbox], tuple[Mailbox, T]]) -> T:
        """Replace the mailbox by the one that ``decide`` returns; return the other value of ``decide``.

        This takes one read, and one write if the mailbox changes. The first writer wins. Then ``decide`` runs again
        over the winner's mailbox, which comes with the refusal. So it must have no side effects.

            waiter    read ────── write (refused) ── write
            sender         read ── write

        If a write took effect but its answer was lost, its mark shows that.

        Raises:
            SignalError: The mailbox changed during each try.
        """
        mark, said = "", None
        box, written_by = self._read(name)
        for _ in range(_TRIES):
            if said is not None and written_by == mark:
                return said[0]
            changed, besides = decide(box)
            if changed == box:
                return besides
            mark, said = new_id(), (besides,)
            refused = self._write(name, changed, mark, written_by)
            if refused is None:
                return besides
            box, written_by = refused
        raise SignalError(f"signal {name!r}: too many send it or wait for it at once; nothing was written, try again")

    def _read(self, name: str) -> _State:
        answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        return _state(answer)

    def _write(self, name: str, box: Mailbox, mark: str, written_by: str | None) -> _State | None:
        """Write the mailbox; return ``None``, or the present mailbox if it changed meanwhile.

        No two writes have the same mark. So a write that takes effect late, after its client gave up, finds another
        mark.
        """
        unchanged: dict[str, Any] = {"ConditionExpression": f"attribute_not_exists({_PK})"}
        if written_by is not None:
            unchanged = {
                "ConditionExpression": f"{_WRITTEN_BY} = :mark",
                "ExpressionAttributeValues": {":mark": {"S": written_by}},
            }
        item = {**_key(name), _BOX: {"B": _packed(box)}, _WRITTEN_BY: {"S": mark}, **_expiry(box)}
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **unchanged
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return _state(error.response)
        return None


def _state(answer: Mapping[str, Any]) -> _State:
    """The mailbox in an answer of DynamoDB's, or in its refusal."""
    item = answer.get("Item")
    return (_mailbox(item[_BOX]["B"]), item[_WRITTEN_BY]["S"]) if item else (Mailbox(), None)


def _key(name: str) -> dict[str, Any]:
    return {_PK: {"S": SIGNALS + name}, _SK: {"S": "signal"}}


def _expiry(box: Mailbox) -> dict[str, Any]:
    """A mailbox with a waiting step does not expire. One that keeps signals lives until their time is over."""
    if box.waiter is not None:
        return {}
    last = max([time.time_ns() // 1_000_000, *(each.until for each in box.kept)])
    return {_EXPIRES: {"N": str(last // 1000 + REMEMBERED_DAYS * 86_400)}}


def _packed(box: Mailbox) -> bytes:
    return json.dumps(asdict(box), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _mailbox(packed: bytes) -> Mailbox:
    fields: dict[str, Any] = json.loads(packed.decode("utf-8", "surrogatepass"))
    return Mailbox(
        waiter=Waiter(**fields["waiter"]) if fields["waiter"] else None,
        letter=Letter(**fields["letter"]) if fields["letter"] else None,
        kept=tuple(Kept(Letter(**each["letter"]), each["until"]) for each in fields["kept"]),
        sent=tuple(Sent(**each) for each in fields["sent"]),
    )
