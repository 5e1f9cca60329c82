"""moto's DynamoDB, SQS and S3, which note for the mirror what each call changes.

They take the place of moto's own by ``keep``, and only in an account that has a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import S3Backend, s3_backends
from moto.sqs.models import sqs_backends
from moto.utilities.utils import get_partition

from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.moto_sqs import FaithfulSqs
from tarry_dev.cloud.moto_tables import FaithfulDynamo, FaithfulTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moto.dynamodb.models.dynamo_type import Item
    from moto.sqs.models import Message

    from tarry_dev.cloud.mirror import Mirror
    from tarry_dev.cloud.resources import QueuePair

__all__ = ["keep"]


def keep(mirror: Mirror, region: str, name: str, table: FaithfulTable, pairs: Iterable[QueuePair]) -> None:
    """Load the mirror's file into the account, and mirror the account from then on. ``name`` is the bucket's."""
    bucket = s3_backends[ACCOUNT_ID][get_partition(region)]
    mirror.load(table, [each for pair in pairs for each in (pair.queue, pair.dead)], bucket, name)
    DurableDynamo.become_kept(dynamodb_backends[ACCOUNT_ID][region], mirror)
    DurableSqs.become_kept(sqs_backends[ACCOUNT_ID][region], mirror)
    DurableS3.become_kept(bucket, mirror)


class DurableDynamo(FaithfulDynamo):
    __module__ = FaithfulDynamo.__module__

    _mirror: Mirror

    @classmethod
    def become_kept(cls, dynamodb: Any, mirror: Mirror) -> None:
        dynamodb.__class__, dynamodb._mirror = cls, mirror

    # A transaction that fails leaves the items as they were. To write them once more changes nothing.

    def put_item(self, table_name: str, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        item = super().put_item(table_name, item_attrs, *args, **kwargs)
        self._note(table_name, item_attrs)
        return item

    def update_item(self, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        item = super().update_item(table_name, key, *args, **kwargs)
        self._note(table_name, key)
        return item

    def delete_item(self, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item | None:
        item = super().delete_item(table_name, key, *args, **kwargs)
        self._note(table_name, key)
        return item

    def _note(self, table_name: str, key: dict[str, Any]) -> None:
        table = self.tables[table_name]
        if isinstance(table, FaithfulTable):
            self._mirror.note_item(*self.get_keys_value(table, key))


class DurableSqs(FaithfulSqs):
    __module__ = FaithfulSqs.__module__

    _mirror: Mirror

    @classmethod
    def become_kept(cls, sqs: Any, mirror: Mirror) -> None:
        sqs.__class__, sqs._mirror = cls, mirror

    def receive_message(self, queue_name: str, *args: Any, **kwargs: Any) -> list[Message]:
        messages = super().receive_message(queue_name, *args, **kwargs)
        self._mirror.note_received(messages)
        return messages

    def delete_message(self, queue_name: str, receipt_handle: str) -> None:
        super().delete_message(queue_name, receipt_handle)
        self._mirror.note_deleted(self.get_queue(queue_name), receipt_handle)

    def purge_queue(self, queue_name: str) -> None:
        super().purge_queue(queue_name)
        self._mirror.note_purged(self.get_queue(queue_name))


class DurableS3(S3Backend):
    __module__ = S3Backend.__module__

    _mirror: Mirror

    @classmethod
    def become_kept(cls, bucket: Any, mirror: Mirror) -> None:
        bucket.__class__, bucket._mirror = cls, mirror

    def put_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
        stored = super().put_object(bucket_name, key_name, *args, **kwargs)
        self._mirror.note_object(bucket_name, key_name)
        return stored

    def delete_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> tuple[bool, Any]:
        answer = super().delete_object(bucket_name, key_name, *args, **kwargs)
        self._mirror.note_object(bucket_name, key_name)
        return answer
