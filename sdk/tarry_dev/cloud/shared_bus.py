"""The bus that several clouds share, each in a process of its own."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import CANCEL_RUN, INVOKED
from tarry._wire.steady_logger import steady_logger
from tarry_backend.events.address import SCHEDULED
from tarry_dev.bus_file import BusFile
from tarry_dev.cloud.moto_shortcut import ONE_AT_A_TIME, at_aws
from tarry_dev.cloud.resources import rule_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tarry_dev.cloud.cloud import Cloud

__all__ = ["shared_bus"]

_LOOK = 0.05
"""Seconds between two looks for events of the others."""

_ADDRESSED = {CANCEL_RUN, INVOKED, SCHEDULED}
"""Events that are addressed to the app that sends them. On AWS the matchers of the others do nothing with them."""

_log = steady_logger(__name__)


@contextmanager
def shared_bus(cloud: Cloud, file: Path, target: str) -> Iterator[None]:
    """Within it, the other apps of the file get the events of this cloud's bus, and this cloud gets theirs.

    Source, id and time of an event stay as they are. Apps that name no bus share one. Apps that name the same bus share
    that.

        own event       own queue ── file ── own queue is on disk ── the sender is answered
        killed here               ↑        ↑ the others have it; the sender has no answer, and sends it again

        their event     own queue is on disk ── noted as seen
        killed here                           ↑ it comes again; the matcher knows it by source and id
    """
    bus, rule, stopping = cloud.app.bus.given_name or "", rule_of(cloud.region, cloud.bus), Flag()
    with closing(BusFile(file, target)) as events:

        def put(event: dict[str, Any]) -> None:
            if event["detail-type"] not in _ADDRESSED or not event["source"].startswith("tarry."):
                events.put(bus, json.dumps(event))

        def take() -> None:
            for each in events.new():
                if each.target != target and each.bus == bus:
                    with ONE_AT_A_TIME, at_aws():
                        rule.deliver(json.loads(each.event))
                events.note(each.number)

        def keep_taking() -> None:
            while not stopping.wait(_LOOK):
                try:
                    take()
                except Exception:
                    _log.exception("an event of another app could not be delivered; it is tried again")
                    stopping.wait(1)

        reader = Thread(target=keep_taking, name="tarry-shared-bus", daemon=True)
        rule.share(put)
        reader.start()
        try:
            yield
        finally:
            stopping.set()
            reader.join()
            rule.share(None)
