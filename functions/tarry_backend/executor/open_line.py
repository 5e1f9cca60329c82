"""A line whose gate has no limit: that was removed, or its function was resumed. Its runs go on at a pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.queues.messages import Admitted, Due
from tarry_backend.store.due_index import GATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.queues.sender import Queues
    from tarry_backend.store.gates import Gates

__all__ = ["AT_ONCE", "EVERY", "OpenLine"]

AT_ONCE = 100
"""How many runs of a line go on at a time."""

EVERY = 5
"""After how many seconds the next ones do: 20 runs a second. What stopped the function may have stopped others too."""

_TEN = 10


class OpenLine:
    """The line of a gate without a limit."""

    def __init__(self, name: str, gates: Gates, queues: Queues) -> None:
        self._name = name
        self._gates = gates
        self._queues = queues

    def let_go(self, mark: str, out_of_time: Callable[[], bool]) -> None:
        """Let the first runs of the line go on. Ask for a further look, if there may be more.

        Each look moves the sweep's by five minutes. So the sweep begins anew only where a look was lost:

            look    touch ── 100 go ── asks for the next        touch ── 100 go ── dies
            sweep     └──────────── five minutes ┄┄ moved on      └──────────────────── look

        Args:
            mark: The mark of the gate before the line is read.
            out_of_time: Whether the invocation nears its end.
        """
        line = self._gates.line(self._name, AT_ONCE)
        for first in range(0, len(line), _TEN):
            if out_of_time():
                break
            some = line[first : first + _TEN]
            self._queues.send_to_runs([Admitted(each.run_id, self._name, each.stamp, each.woken) for each in some])
            for waiter in some:  # the runs are told first: a run that hears it twice is replayed in vain
                self._gates.forget(self._name, waiter)
        else:
            if len(line) < AT_ONCE:
                cleared, found = self._gates.clear(self._name, mark, now())
                if cleared or found is None or found.mark == mark:  # the last: a grant has not been used yet
                    return
        self._queues.send_to_timers([(Due(self._name, None, GATE, now() + EVERY * 1000), EVERY)])
