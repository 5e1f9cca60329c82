"""The stored steps of a run, as its replay changes them."""

from __future__ import annotations

from dataclasses import replace
from threading import Condition
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.model.run import open_until
from tarry_backend.store.leases import LIFE

if TYPE_CHECKING:
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.replay import Step
    from tarry_backend.store import Runs

__all__ = ["StoredSteps"]

_NEARLY = 3_600_000


class StoredSteps:
    """The steps and guards of a run as they are stored. Thread-safe: steps that end together are written together.

    Each ended step is stored at least ``REST`` longer than any step of the run is open: see
    ``tarry_backend.store.leases``.
    """

    def __init__(self, snapshot: RunSnapshot, runs: Runs) -> None:
        self._run = snapshot.run
        self._runs = runs
        self._steps = {step.key: step for step in snapshot.steps}
        self._guards = {guard.key: guard for guard in snapshot.guards}
        self._open = {step.key: until for step in snapshot.steps if (until := open_until(step))}
        self._ending: set[str] = set()  # the ended steps that are being written
        self._least = min((step.expires for step in snapshot.parts if step.expires is not None), default=None)
        self._changed = Condition()

    def steps(self) -> tuple[Step, ...]:
        """Return the steps as they are stored now."""
        with self._changed:
            return tuple(self._steps.values())

    def guards(self) -> tuple[Step, ...]:
        """Return the guards as they are stored now."""
        return tuple(self._guards.values())

    def step(self, key: str) -> Step:
        """Return the stored step with that key."""
        return self._steps[key]

    def keep(self, step: Step) -> None:
        """Store a step; an open one once the leases of all ended ones are long enough for it.

        A step that ends while another one is opened either has its lease when that one looks at the leases, or knows
        of it:

            ends       lease ── written          lease: sees that it opens ── written
            opens      waits ┄┄┄┄┄┄┄┄┄ leases ── written
        """
        kept = self._guards if step.is_guard else self._steps
        if step.is_open:
            self._hold(step.key, open_until(step))
        else:
            step = self._leased(step)
        try:
            self._runs.keep(self._run.id, step, is_new=step.key not in kept)
            with self._changed:
                kept[step.key] = step
                if step.expires is not None:
                    self._least = min(step.expires, self._least or step.expires)
                if not step.is_open:
                    self._open.pop(step.key, None)
        finally:
            with self._changed:
                self._ending.discard(step.key)
                self._changed.notify_all()

    def _leased(self, step: Step) -> Step:
        with self._changed:
            self._ending.add(step.key)
            until = max((until for key, until in self._open.items() if key != step.key), default=0)
            return replace(step, expires=self._runs.leases.of(now(), until))

    def _hold(self, key: str, until: int) -> None:
        """Make the leases of all ended steps long enough for a step that is open until then, before it is written."""
        if not until:
            return
        with self._changed:
            self._open[key] = until
            if until > now() + LIFE - _NEARLY:  # the lease of a step that ends just now is long enough for a nearer one
                self._changed.wait_for(lambda: not self._ending)
            ended = (*self._guards.values(), *self._steps.values())
            if self._least is None or not self._runs.leases.is_short(self._least, until):
                return
        held = {step.key: step for step in self._runs.held(self._run.id, ended, until)}
        with self._changed:
            self._steps |= {key: step for key, step in held.items() if not step.is_guard}
            self._guards |= {key: step for key, step in held.items() if step.is_guard}
            left = (step.expires for step in (*self._guards.values(), *self._steps.values()))
            self._least = min((expires for expires in left if expires is not None), default=None)
