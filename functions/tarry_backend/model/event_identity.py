"""What tells two events apart: source, name and id. And the ids that are hashes."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING

from tarry.event import base32

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = ["hashed_id", "identity", "identity_of"]

_TAG = 24
"""How many hexadecimal digits of the hash of source and name an identity has.

A sender chooses both, and must not find another pair with the same digits: 96 bits are too many to try.
"""


def identity(event: Event) -> str:
    """Return the event's identity: its id, ``#``, and a hash of its source and name."""
    return identity_of(event.id, event.source, event.name)


def identity_of(event_id: str, source: str, name: str) -> str:
    """Return the identity of the event with this id, source and name."""
    return f"{event_id}#{_tag(source, name)}"


def hashed_id(text: str) -> str:
    """Return an id made of 128 bits of the text's hash, in the form of a ULID. The same text has the same id."""
    return base32(int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]))


@lru_cache(maxsize=1_000)
def _tag(source: str, name: str) -> str:
    return hashlib.sha256(json.dumps([source, name]).encode()).hexdigest()[:_TAG]
