"""What of moto the embedded cloud leans on without a promise of moto's. An upgrade that moves it fails here first."""

from inspect import getsource, signature
from typing import Any

import pytest
from botocore.useragent import UserAgentString
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.sqs.models import Queue, SQSBackend

LEAN: list[tuple[Any, str, str]] = [
    (Queue.__init__, "self._messages: list", "FaithfulQueue keeps the messages in a MessageOrder under this name"),
    (Queue.__init__, "self._messages_lock = Condition()", "FaithfulQueue holds this lock"),
    (SQSBackend.purge_queue, "queue._messages = []", "a purge sets FaithfulQueue._messages"),
    (SQSBackend.send_message, "queue.add_message(message)", "FaithfulQueue takes a message in by add_message"),
    (Table.query, "self.all_items()", "FaithfulTable.all_items gives a query the items that it may mean"),
    (Table.query, "self.sorted_items(", "moto sorts the items that FaithfulTable gives it"),
    (Table.put_item, "self.items[hash_value][range_value] = item", "FaithfulTable reads and restores items here"),
    (DynamoDBBackend.update_item, "table.get_item(", "an update changes the item in its place"),
    (DynamoDBBackend.transact_write_items, "copy.deepcopy(", "FaithfulTable.__deepcopy__ spares a transaction's copy"),
]


@pytest.mark.parametrize(("where", "text", "why"), LEAN, ids=[f"{each[0].__qualname__} {each[1]}" for each in LEAN])
def test_moto_still_has_what_the_embedded_cloud_leans_on(where: Any, text: str, why: str) -> None:
    assert text in getsource(where), f"moto's {where.__qualname__} has no {text!r} any more; {why}: see moto_*.py"


SIGNATURES: list[tuple[Any, set[str]]] = [
    (SQSBackend.receive_message, {"queue_name", "count", "wait_seconds_timeout", "visibility_timeout"}),
    (SQSBackend.change_message_visibility, {"queue_name", "receipt_handle", "visibility_timeout"}),
    (Queue.delete_message, {"receipt_handle"}),
    (Table.query, {"hash_key", "range_comparison", "range_objs", "limit", "exclusive_start_key", "scan_index_forward"}),
    (Table.query, {"index_name", "hash_key_conditions", "filter_kwargs"}),
    (Table.delete_item, {"hash_key", "range_key"}),
    (UserAgentString.to_string, {"self"}),
]


@pytest.mark.parametrize(("method", "names"), SIGNATURES, ids=[each[0].__qualname__ for each in SIGNATURES])
def test_what_the_embedded_cloud_overrides_has_the_same_parameters(method: Any, names: set[str]) -> None:
    missing = names - signature(method).parameters.keys()
    assert not missing, f"{method.__qualname__} has no {sorted(missing)} any more: the embedded cloud overrides it"
