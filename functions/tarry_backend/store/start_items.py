"""The items that limit the starts of runs. ``tarry_backend.store.models`` and ``gate_items`` have all other items.

item      pk                              sk
claim     once#<function>#<value>         once
limiter   limit#<function>#<key>          limit
pace      pace#<function>#<key>           pace
single    single#<function>#<key>         single
trace     run#<run>                       run       (in the place of the run that an event did not start)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from tarry_backend.store.models import Item

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition

__all__ = ["Claim", "ClaimItem", "LimiterItem", "PaceItem", "SingletonItem", "TraceItem"]


Claim = tuple[Item, "Condition"]
"""An item that is written with a run, all or nothing, and on which condition."""


class ClaimItem(Item):
    """When the event was received (Unix milliseconds) that started a run for an idempotency value."""

    received_at = NumberAttribute()


class LimiterItem(Item):
    """When the starts were that a rate limit has counted: six bytes for each, in Unix milliseconds."""

    counted = BinaryAttribute(legacy_encoding=False)


class PaceItem(Item):
    """The time that the next start of a throttle takes (Unix microseconds)."""

    next_at = NumberAttribute()


class SingletonItem(Item):
    """The run whose turn it is, the position of its event, and the run that has to end before it begins."""

    run_id = UnicodeAttribute()
    position = UnicodeAttribute()
    after = UnicodeAttribute(null=True)
    stamp = UnicodeAttribute()


class TraceItem(Item):
    """Why an event started no run, as JSON. It has the key of that run: an event has a run or a trace, never both."""

    trace = UnicodeAttribute()
