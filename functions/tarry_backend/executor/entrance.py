"""The entrance to a replay: runs of functions with a limit pass the gatekeeper there, all others walk through."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tarry_backend.queues.messages import Admitted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry import App, Function
    from tarry_backend.executor.gatekeeper import Gatekeeper, Place
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.model.run import Run
    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["Entrance"]


class Entrance:
    """The entrance of one executor. The gatekeeper loads with the first run that needs one."""

    def __init__(self, app: App, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._store = store
        self._queues = queues
        self._meter = meter

    @cached_property
    def _gatekeeper(self) -> Gatekeeper:
        from tarry_backend.executor.gatekeeper import Gatekeeper

        return Gatekeeper(self._app, self._store, self._queues, self._meter)

    def enter(self, function: Function, run: Run, message: RunMessage, delivery: MessageDelivery) -> list[Place] | None:
        """Take a place in each gate of the run; return ``None`` if it waits at one."""
        if function.is_pausable:
            return self._gatekeeper.enter(function, run, message, delivery)
        self.decline(message)
        return []

    def rest(self, run: Run, places: Sequence[Place], *, ended: bool) -> None:
        """Give the places back after the outcome is stored."""
        if places:
            self._gatekeeper.rest(run, places, ended=ended)

    def decline(self, message: RunMessage) -> None:
        """Pass on the place that the message says was granted: the run does not use it."""
        if isinstance(message, Admitted):
            self._gatekeeper.decline(message)

    def over(self, run: Run) -> None:
        """Take a run that has ended without a replay out of each line and gate: it may wait, or have a place."""
        function = self._app.functions.get(run.function_id)
        if function is not None and function.is_pausable:
            self._gatekeeper.over(function, run)

    def sweep(self, name: str, out_of_time: Callable[[], bool]) -> None:
        """Mend what executors that died have left in a gate at which runs wait, then admit runs."""
        self._gatekeeper.sweep(name, out_of_time)
