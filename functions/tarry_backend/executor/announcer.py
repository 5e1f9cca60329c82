"""The announcer of runs' ends: on the bus if something can hear it, else in the log and the audit trail alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry.errors import SendError
from tarry.event import RESERVED
from tarry_backend.clock import now
from tarry_backend.events.announcement import announcement
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import RunStatus
from tarry_backend.store import EventGoneError, LogEntry
from tarry_backend.store.traffic import Traffic, shards_for
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from tarry import App, Event
    from tarry._wire.bus import EventBus
    from tarry_backend.events.audit_stream import AuditStream
    from tarry_backend.model.run import Run
    from tarry_backend.store import Store

__all__ = ["Announcer"]

_PROMPT = 30_000
"""Within how many milliseconds after its run's end an announcement is logged at that time.

A further wait on the name sees a minute back from the event that resolved the wait before it. So a later announcement
gets its position from the queue, as any event does.
"""

_WEIGHT = 20
"""How many events of a busy name one end stands for: an executor ends one run at a time, while many others do."""


_CONTENT = ("(413)", "ValidationException", "MalformedDetail", "InvalidArgument")
"""EventBridge's codes for an event that it will refuse again: the whole request's (the first two), or an entry's."""

_LONGEST_REASON = 200


class Announcer:
    """The announcer of runs' ends.

    A failed or cancelled run is announced on the bus. A finished run is announced there if a trigger of the app, or a
    wait, is for the name. Otherwise the announcement is in the log, where a later wait finds it.
    """

    def __init__(self, app: App, store: Store, bus: EventBus, trail: AuditStream) -> None:
        self._app = app
        self._store = store
        self._bus = bus
        self._trail = trail
        self._traffic = Traffic()

    def announce(self, run: Run, *, again: bool = False) -> None:
        """Announce a stored end.

        Args:
            run: The run.
            again: Whether an executor may have announced the end before, or a part of the way.
        """
        event = replace(announcement(run), source=source_of(self._app.id))
        if run.status is not RunStatus.FINISHED:
            self._send(run, event)
            return
        received = ReceivedEvent(event, event.ts)
        is_logged, is_heard = again and self._is_logged(received), self._is_known_as_heard(event.name)
        may_be_quiet = is_logged or not (again or now() - event.ts > _PROMPT)
        if is_heard or not may_be_quiet:
            self._send(run, event, received.received_at if is_logged else None)
        elif not self._is_done_quietly(received, is_logged=is_logged):
            self._send(run, event, received.received_at)

    def _send(self, run: Run, event: Event, logged_at: int | None = None) -> None:
        """Put the announcement on the bus. If the bus refuses what is in it, put it without the run's own parts.

        Tarry leaves out what it knows that the bus cannot carry. But a region's bus may carry less, such as 256 KiB. It
        would refuse the announcement for ever.
        """
        try:
            self._bus.send_internal([event], logged_at)
        except SendError as error:
            reason = next((reason for _, reason in error.failed if any(code in reason for code in _CONTENT)), None)
            if reason is None:
                raise
            logger.warning("the bus refuses the announcement %s: it goes without result and event", event.id)
            shorter = announcement(run, f"the bus refused the event with it: {reason[:_LONGEST_REASON]}")
            self._bus.send_internal([replace(shorter, source=event.source)], logged_at)

    def _is_known_as_heard(self, name: str) -> bool:
        """Return whether something hears events of the name. It mostly costs no request, so it may miss a new wait."""
        listens = any(
            trigger.event.startswith(RESERVED) and trigger.names(name)
            for function in self._app.functions.values()
            for trigger in function.event_triggers
        )
        return listens or self._app.announces_all or self._store.names.recent(name).is_awaited

    def _is_logged(self, received: ReceivedEvent) -> bool:
        """Return whether an earlier executor logged the announcement. It keeps that one position then.

        executor 1    end stored ── log ── dies
        executor 2                               finds it: goes on from there
        executor 1    end stored ── dies
        executor 2                        finds nothing: the bus, and a position of the queue's
        """
        try:
            self._store.log.find(received.event.name, received.position)
        except EventGoneError:
            return False
        return True

    def _is_done_quietly(self, received: ReceivedEvent, *, is_logged: bool) -> bool:
        """Log the announcement, and return true if nothing hears it. The audit trail has it then.

        The log comes before the look at the name, as it does in the matcher. A wait writes its shape first and looks
        into the log last. So a wait that begins at this moment finds the announcement, or is found:

            executor of the end     log ── name: no shape                      nothing hears it
            executor of a wait                         shape ── wait ── log read: finds it

            executor of the end              log ── name: a shape ── bus ── matcher: log (same position), index
            executor of a wait      shape ── wait ── log read                           resumed, or found by the settle

        If anything fails, the bus takes the announcement. It has the position that the log may have already.
        """
        event = received.event
        try:
            if not is_logged:
                self._log(received)
            if self._store.names.of(event.name).is_awaited:
                return False
            self._trail.put(event)
        except Exception:
            logger.warning(
                "the bus announces the end %s: it could not be announced without it", event.id, exc_info=True
            )
            return False
        return True

    def _log(self, received: ReceivedEvent) -> None:
        """Log by name. The name has no keys as far as this executor knows, and none that a look would ask for yet."""
        name = received.event.name
        known = self._store.names.spread_log(name, shards_for(self._traffic.count(name, _WEIGHT)))
        self._store.log.append([LogEntry(received, known.shards_to_write(now()))])
