"""Writes without conditions, 25 in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.store.models import Item

__all__ = ["Batch"]

_PER_REQUEST = 25
"""The most writes of one ``BatchWriteItem``."""


class Batch:
    """A batch of writes, sent 25 at a time, and at the end of the ``with`` block. They have no conditions."""

    def __init__(self, send: Callable[[list[dict[str, Any]]], None], stored: Callable[[Item], dict[str, Any]]) -> None:
        self._send = send
        self._stored = stored
        self._requests: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def save(self, item: Item) -> None:
        """Write the item in place of an earlier one."""
        self._add({"PutRequest": {"Item": self._stored(item)}})

    def delete(self, pk: str, sk: str) -> None:
        """Remove the item, if it exists."""
        self._add({"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}})

    def _add(self, request: dict[str, Any]) -> None:
        if len(self._requests) == _PER_REQUEST:
            self._flush()
        self._requests.append(request)

    def _flush(self) -> None:
        requests, self._requests = self._requests, []
        if requests:
            self._send(requests)
