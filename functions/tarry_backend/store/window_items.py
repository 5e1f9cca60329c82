"""The items of windows, which gather events before they start a run. Times are Unix milliseconds.

item      pk                              sk                           indexes, while they matter
calm      calm#<value>#<function>         calm                         due (while a window is open, or fires)
batch     batch#<value>#<function>        batch                        due (while it is open, or starts)
fired     calm#<value>#<function>         fired#<position>             (the window that the event there has ended)
gathered  run#<run>                       gathered                     (the event that may start that run)
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import MapAttribute, NumberAttribute, UnicodeAttribute

from tarry_backend.store.models import Item

__all__ = ["BatchItem", "CalmItem", "FiredItem", "GatheredItem"]


class CalmItem(Item):
    """The windows of a debounce's key.

    ``first``, ``latest`` (a position) and ``latest_name`` are those of the first window, so that a condition can ask
    for them; ``later`` is the second one as JSON, ``firing`` those that have ended.
    """

    first = NumberAttribute(null=True)
    latest = UnicodeAttribute(null=True)
    latest_name = UnicodeAttribute(null=True)
    later = UnicodeAttribute(null=True)
    through = UnicodeAttribute(null=True)
    firing = UnicodeAttribute(null=True)
    version = NumberAttribute(default=0)


class BatchItem(Item):
    """The batches of a key: the number of the open one, and its members by the ids of the runs that they would start.

    ``opened`` is when its first event was received, ``size`` its bytes. ``closing`` are the members of the one before.
    """

    number = NumberAttribute(default=0)
    members: MapAttribute[str, Any] = MapAttribute(null=True)
    opened = NumberAttribute(null=True)
    size = NumberAttribute(default=0)
    closing = UnicodeAttribute(null=True)


class FiredItem(Item):
    """A window that has ended: the run that its latest event starts, and when that was decided."""

    run = UnicodeAttribute()
    moment = NumberAttribute()


class GatheredItem(Item):
    """An event that was gathered: by which window, and where it is in the log, as JSON."""

    window = UnicodeAttribute()
    place = UnicodeAttribute()
