"""The items of gates: their keys and attributes. ``tarry_backend.store.models`` has all other items.

item      pk                              sk                           indexes, while they matter
gate      gate#<gate>                     gate                         due (while runs wait)
waiter    line#<gate>                     <received_at>#<run>          due (when the leases of its run need a look)
control   fn#<function>                   control
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import MapAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tarry_backend.store.models import Item

__all__ = ["ControlItem", "GateItem", "WaiterItem"]


class GateItem(Item):
    """A gate. ``holders`` has, under each run's id, its hold; ``granted`` are those that have not begun.

    ``waiting`` is since when runs wait (Unix milliseconds), ``mark`` is new each time a run has begun to.
    """

    holders: MapAttribute[str, Any] = MapAttribute(null=True)
    granted = UnicodeSetAttribute(null=True)
    waiting = NumberAttribute(null=True)
    mark = UnicodeAttribute(null=True)


class WaiterItem(Item):
    """A run in the line of a gate. ``stamp`` is new each time it has begun to wait, ``since`` when it first did.

    ``woken`` is the time at which its message woke it (Unix milliseconds), if one did.
    """

    stamp = UnicodeAttribute()
    since = NumberAttribute()
    woken = NumberAttribute(null=True)


class ControlItem(Item):
    """What people have asked of a function: since when it is paused, or drains (Unix milliseconds), its limits now."""

    paused = NumberAttribute(null=True)
    draining = NumberAttribute(null=True)
    limit_now = NumberAttribute(null=True)
    throttle_now = NumberAttribute(null=True)
    rate_limit_now = NumberAttribute(null=True)
