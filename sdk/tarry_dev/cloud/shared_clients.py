"""The clients of Tarry's own classes, made once a process: they are a third of what a small test costs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tarry._wire.aws import Place, _Client
from tarry_backend.store.lean_client import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shared_clients"]

_make = _Client._make

_made: dict[tuple[_Client, Place], Any] = {}
"""By the class attribute that asks, and by the place. Like the cloud's own, they keep nothing of an account."""


@contextmanager
def shared_clients(region: str) -> Iterator[None]:
    """Meanwhile an instance of ``EventBus``, ``Queues``, ``Table`` or the like gets the client of the one before it.

    The account is to be open: outside, a client may speak to a real one. A client with an endpoint of its own, or on
    the plain road, is made anew. So are the clients of the user's code, which may have hooks.
    """

    def make(attribute: _Client, place: Place) -> Any:
        if place.endpoint is not None or is_plain():
            return _make(attribute, place)
        key = attribute, Place(region=place.region or region)
        if key not in _made:  # the caller holds a lock, so no other thread makes one
            _made[key] = _make(attribute, place)
        return _made[key]

    with patch.object(_Client, "_make", make):
        yield
