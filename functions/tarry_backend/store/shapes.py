"""By which sets of paths the open waits on an event name can be found."""

from __future__ import annotations

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import size

from tarry_backend.store.models import CONDITION_FAILED, ShapesItem

__all__ = ["MAX_SHAPES", "Shapes"]

MAX_SHAPES = 16
"""The most shapes of one event name, name-only ones aside: each is a query at each event of that name."""


class Shapes:
    """The shapes of each event name. They are only ever added, so what is known to be there stays known."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def of(self, event_name: str) -> frozenset[str]:
        """The shapes, strongly consistent: a shape that was added before this call is among them."""
        try:
            item = ShapesItem.get(_pk(event_name), _SK, consistent_read=True)
        except ShapesItem.DoesNotExist:
            return frozenset()
        return frozenset(item.shapes or ())

    def add(self, event_name: str, shape: str, *, bounded: bool) -> bool:
        """Adds the shape; false if the name has as many as it may (``bounded``)."""
        if (event_name, shape) in self._known:
            return True
        # New: fewer than the most. Known already: adding it again changes nothing.
        shapes = ShapesItem.shapes
        free = shapes.does_not_exist() | shapes.contains(shape) | (size(shapes) < MAX_SHAPES)
        try:
            ShapesItem(_pk(event_name), _SK).update([shapes.add({shape})], condition=free if bounded else None)
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            return False
        self._known.add((event_name, shape))
        return True


_SK = "shapes"


def _pk(event_name: str) -> str:
    return f"shapes#{event_name}"
