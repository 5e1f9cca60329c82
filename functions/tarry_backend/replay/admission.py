"""Where a function's tools may be called."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tarry.errors import StepCallError, Suspended
from tarry_backend.replay.hooks import HOOK
from tarry_backend.replay.outcome import Paused
from tarry_backend.replay.performer import BODY
from tarry_backend.replay.race import check_lanes

if TYPE_CHECKING:
    from tarry_backend.replay.bridge import Bridge
    from tarry_backend.replay.conclusion import Conclusion

__all__ = ["Admission"]

_PATIENCE = 100
"""How often a suspended function may call steps. One that goes on for ever is slowed down, and left behind."""


class Admission:
    """Lets the function's own code call its tools, while its replay lasts. ``StepCallError`` says where else it was."""

    def __init__(self, bridge: Bridge, conclusion: Conclusion) -> None:
        self._bridge = bridge
        self._conclusion = conclusion
        self._refusals = 0

    async def enter(self, what: str) -> None:
        """Before a tool does anything; ``what`` says which, for people."""
        if self._refusals > _PATIENCE:
            await self._conclusion.rest()
        self._admit(what)

    def enter_sync(self, what: str) -> None:
        """The same in a thread."""
        if self._refusals > _PATIENCE:
            time.sleep(1)
        self._admit(what)

    def _admit(self, what: str) -> None:
        if HOOK.get():
            raise StepCallError(f"{what} is called in a middleware: only the function itself has steps")
        if (body := BODY.get()) is not None:
            raise StepCallError(f"{what} is called inside step {body.key!r}: call it before or after that step")
        if not self._bridge.is_home():
            raise StepCallError(
                f"{what} is called outside its run: call it in the function, not in a thread or loop of its own"
            )
        if not self._conclusion.is_reached:
            check_lanes(what)
            return
        self._refusals += 1
        if isinstance(self._conclusion.ending, Paused):
            raise Suspended(Suspended.__doc__)
        raise StepCallError(f"{what} is called after its function had ended")
