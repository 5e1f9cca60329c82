"""Who looks on: how the wait was ended, what was logged then, and whom the index has kept in the dark."""

from dataclasses import dataclass

from tarry_backend.model.position import Position
from tests.functional.contract.handshake.exploration import Touch
from tests.functional.contract.handshake.mail import EXECUTOR, Mail
from tests.functional.contract.handshake.request import Request
from tests.functional.contract.handshake.table import READS, key_of, touches

__all__ = ["Resolved", "Watch"]

_LOGGED = "logged events"


@dataclass(frozen=True, slots=True)
class Resolved:
    """How the wait was ended: told by what, with which event (None: timed out), and which events were logged then.

    Then is when the look into the log began that found the answer; without a look, when the answer was written.
    """

    told_by: str
    event_id: str | None
    logged: frozenset[str]


class Watch:
    """Sees each call of a Lambda's when it is carried out."""

    def __init__(self, mail: Mail) -> None:
        self.resolved: list[Resolved] = []
        self._mail = mail
        self._look: frozenset[str] | None = None

    def touches(self, actor: str, request: Request) -> tuple[Touch, ...]:
        """What a call touches, and what is seen of it here: whether an event is logged before a look or an end."""
        touched = touches(request)
        if actor == EXECUTOR:
            # Once a look has begun, it is known what was logged then.
            sees = self._look is None and (_is_look(request) or _resolves(request))
            return (*touched, Touch(_LOGGED, None, writes=False)) if sees else touched
        # A matcher puts events, and nothing else; by key first, so they are logged when they stand by their name.
        place, key = key_of(request) if request.operation == "PutItem" else ("", "")
        logged = Touch(_LOGGED, key, writes=True, value=key)
        return (*touched, logged) if place.startswith("log#") else touched

    def asks(self, actor: str, request: Request) -> Resolved | None:
        """A call is carried out. If it ends the wait, unless its condition fails, that is returned."""
        return self._executor_asks(request) if actor == EXECUTOR else None

    def _executor_asks(self, request: Request) -> Resolved | None:
        if request.operation in READS:
            if not _is_look(request):
                self._look = None
            elif self._look is None:
                self._look = frozenset(self._mail.logged)
            return None
        look, self._look = self._look, None
        if not _resolves(request):
            return None
        resolved_by = request.asked["Item"].get("resolved_by")
        event_id = Position.parse(resolved_by["S"]).event_id if resolved_by else None
        return Resolved(self._mail.told_by, event_id, frozenset(self._mail.logged) if look is None else look)


def _is_look(request: Request) -> bool:
    """Whether the executor reads the log by this: all else that it reads is its run."""
    return request.operation in READS and not touches(request)[0].place.startswith("run#")


def _resolves(request: Request) -> bool:
    """Whether a write ends the wait."""
    item = request.asked.get("Item", {})
    ends: bool = item.get("kind") == {"S": "wait"} and item.get("status") == {"S": "done"}
    return ends
