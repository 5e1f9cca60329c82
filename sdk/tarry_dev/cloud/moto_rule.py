"""moto's rule of a bus, mended where it does otherwise than AWS, or takes too long, and it matters here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import Rule

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType

__all__ = ["FaithfulRule"]


class FaithfulRule(Rule):
    """A rule of moto's. moto writes the event by putting texts into a template, and so breaks one whose name
    has a quotation mark, or whose data has ``<id>`` in it; it leaves the account out, and takes its time."""

    _on_event: Callable[[dict[str, Any]], None] | None

    @classmethod
    def become(cls, rule: Rule, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Mends a rule in its place. ``on_event`` is told of each event that comes over its bus."""
        rule.__class__ = cls
        assert isinstance(rule, FaithfulRule)
        rule._on_event = on_event

    def send_to_targets(self, original_event: EventMessageType, transform_input: bool = True) -> None:
        event: Any = {key: value for key, value in original_event.items() if key != "ingestion-time"}
        if self._on_event is not None:
            moment = datetime.fromtimestamp(float(event["time"]), UTC)  # moto makes it a text only for a queue
            self._on_event({**event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
        super().send_to_targets(event, transform_input=False)
