"""Values of any size in items of 400 KB: compressed, and in a bucket if still too large."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from tarry._wire.aws import ENVIRONMENT, client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tarry._wire.aws import Place

__all__ = ["INLINE", "INLINE_BATCH", "Values"]

INLINE = 180_000
"""The most bytes, after compression, that stay in the item.

An item has at most 400 KB, all attributes together. A run's item has two values: its event, and its output or error.
"""

INLINE_BATCH = 30_000
"""The same of the events of a batch, which a run's item has beside the other two."""

_WORTH_COMPRESSING = 1_000

_REMEMBERED = 10_000

_PLAIN, _COMPRESSED, _POINTER = b"j", b"z", b"s"


class Values:
    """JSON texts, packed into attributes of an item. Only large texts cost a request to the bucket."""

    _client: S3Client = client("s3")

    def __init__(self, bucket: str, place: Place = ENVIRONMENT) -> None:
        self._bucket = bucket
        self._place = place
        self._stored: set[str] = set()
        self._folders: set[str] = set()

    def pack(self, text: str, prefix: str, inline: int = INLINE) -> bytes:
        """Return the text as an attribute. A large text first goes into the bucket, under ``prefix`` and its hash.

        So a key names one text for ever, and writing an item again does not write its text again.
        """
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) < _WORTH_COMPRESSING:
            return _PLAIN + raw
        compressed = zlib.compress(raw, 6)
        if len(compressed) <= inline:
            return _COMPRESSED + compressed
        key = f"{prefix}-{hashlib.sha256(raw).hexdigest()[:32]}"
        if key not in self._stored:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=compressed)
            self._remember(key)
        return _POINTER + key.encode()

    def unpack(self, packed: bytes) -> str:
        """Return the text that ``pack`` got."""
        form, body = packed[:1], packed[1:]
        if form == _POINTER:
            key = body.decode()
            form, body = _COMPRESSED, self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            self._remember(key)
        raw = zlib.decompress(body) if form == _COMPRESSED else body
        return raw.decode("utf-8", "surrogatepass")

    def is_in_bucket(self, packed: bytes) -> bool:
        """Return whether the text is in the bucket."""
        return packed[:1] == _POINTER

    def has_objects(self, folder: str) -> bool:
        """Return whether this process has written, or read, a value that is in the bucket under that folder."""
        return folder in self._folders

    def remove(self, folder: str) -> None:
        """Remove all objects of the folder. It costs a request for a thousand, and one for each object."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder):
            for found in page.get("Contents", ()):
                self._client.delete_object(Bucket=self._bucket, Key=found["Key"])
        self._folders.discard(folder)

    def _remember(self, key: str) -> None:
        for known in (self._stored, self._folders):
            if len(known) >= _REMEMBERED:
                known.clear()
        self._stored.add(key)
        self._folders.add(key.rpartition("/")[0] + "/")
