"""moto's rule of a bus, mended where it does otherwise than AWS, or takes too long, and it matters here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import Rule
from moto.sqs.models import sqs_backends

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType

__all__ = ["FaithfulRule"]


class FaithfulRule(Rule):
    """A rule of moto's. moto writes the event by putting texts into a template, and so breaks one whose name
    has a quotation mark, or whose data has ``<id>`` in it; it leaves the account out, and takes its time.

    moto escapes each character that is not ASCII. So a large event outgrew its queue, which AWS delivers as UTF-8.
    """

    _on_event: Callable[[dict[str, Any]], None] | None
    _on_sent: Callable[[dict[str, Any]], None] | None = None

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
        if self._on_sent is not None:
            self._on_sent({**event, "time": float(event["time"])})

    def share(self, on_sent: Callable[[dict[str, Any]], None] | None) -> None:
        """Have ``on_sent`` told of each event that was put here, once it is with its targets."""
        self._on_sent = on_sent

    def deliver(self, event: dict[str, Any]) -> None:
        """Send the targets an event that was put on the same bus in another process."""
        told: Any = event
        super().send_to_targets(told, transform_input=False)

    def _send_to_sqs_queue(self, resource_id: str, event: dict[str, Any], group_id: str | None = None) -> None:
        if group_id is not None:
            super()._send_to_sqs_queue(resource_id, event, group_id)
            return
        moment = datetime.fromtimestamp(float(event["time"]), UTC)
        sent = {**event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        body = json.dumps(sent, ensure_ascii=False, separators=(",", ":"))
        if not _is_utf8(body):  # half of a surrogate pair, which the event has as an escape
            body = json.dumps(sent, separators=(",", ":"))
        sqs_backends[self.account_id][self.region_name].send_message(queue_name=resource_id, message_body=body)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
