"""What a host has seen of its app: the runs that started, and the events that came."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry.errors import UsageError
from tarry_backend.events.announcement import announcement
from tarry_backend.events.envelope import parse, received_event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.messages import MessageError, RunMessage, Start, decode
from tarry_backend.runtime import runtime
from tarry_backend.store import EventGoneError

if TYPE_CHECKING:
    from tarry_dev.cloud.cloud import Cloud
    from tarry_dev.cloud.message import Delivery, Message

__all__ = ["HostNotes"]


class HostNotes:
    """The notes of a host. ``run_ids`` has the function of each run, ``events`` has each event by its identity."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.run_ids: dict[str, str] = {}
        self.events: dict[str, ReceivedEvent] = {}
        self._first: dict[str, ReceivedEvent] = {}
        self._unsure: set[str] = set()
        cloud.observe(self.note)

    def note(self, delivery: Delivery) -> None:
        """Note the messages that a Lambda has handled."""
        notes = {"executor": self._note_run, "matcher": self._note_event}
        if note := notes.get(delivery.function):
            for message in delivery.messages:
                with suppress(MessageError):  # it cannot be read, and goes to the dead letters
                    note(message)

    def _note_run(self, message: Message) -> None:
        told = decode(message.body)
        if isinstance(told, Start):
            if told.run_id not in self.run_ids and (told.once is not None or _may_refuse(told.function_id)):
                self._unsure.add(told.run_id)
            self.run_ids.setdefault(told.run_id, told.function_id)
        if isinstance(told, RunMessage):
            self._note_end(told.run_id)

    def _note_end(self, run_id: str) -> None:
        """An end that the executor wrote to the log alone, since nothing can hear it."""
        try:
            store = runtime().store
        except UsageError:  # the app cannot be imported, so no executor has ended a run
            return
        run = store.runs.run(run_id)
        if run is not None and run.successor is not None:
            self.run_ids.setdefault(run.successor, run.function_id)
        elif run is not None and run.status is RunStatus.FINISHED:
            event = replace(announcement(run), source=source_of(self._cloud.app.id))
            with suppress(EventGoneError):  # it goes over the bus
                received = store.log.find(event.name, ReceivedEvent(event, event.ts).position)
                self.events.setdefault(received.position.identity, received)

    def is_there(self, run_id: str) -> bool:
        """False of an event's that starts none, as by ``idempotency`` or ``rate_limit``."""
        if run_id in self._unsure and runtime().store.runs.load(run_id) is not None:
            self._unsure.remove(run_id)
        return run_id not in self._unsure

    def first(self, event: ReceivedEvent) -> ReceivedEvent:
        """The event as it was received first. It may have been handled later."""
        return self._first.get(event.position.identity, event)

    def _note_event(self, message: Message) -> None:
        fields = parse(message.body)
        if "tarry" in fields:  # a message of the matcher's to itself
            return
        received = received_event(fields, message.sent_at)
        identity = received.position.identity
        self.events.setdefault(identity, received)
        self._first[identity] = min(self._first.get(identity, received), received, key=lambda each: each.received_at)


def _may_refuse(function_id: str) -> bool:
    """Whether an event may start no run of the function, by its flow control."""
    with suppress(UsageError):  # the app cannot be imported
        function = runtime().app.functions.get(function_id)
        return function is not None and (function.flow.decides_starts or function.is_pausable)
    return False
