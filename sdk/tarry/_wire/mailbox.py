"""What is known of one signal name: who waits for it, what it was given, what is kept for later. Pure.

Both who sends and who waits read it, decide, and write it if nobody has written meanwhile. So whatever they do at the
same time, one of them comes first, and the other decides anew over what that one has left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tarry.errors import LimitError

__all__ = ["MAX_KEPT", "REMEMBERED", "Kept", "Letter", "Mailbox", "Sent", "Waiter"]

MAX_KEPT = 10
"""How many signals of one name are kept for later waits, at most."""

REMEMBERED = 20
"""Of so many signals of a name, the last ones, it is known that they were sent before."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """The step that waits."""

    run_id: str
    step_key: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A signal. ``data`` is a JSON value, ``at`` when it was sent (Unix milliseconds, by its sender's clock)."""

    id: str
    data: Any
    at: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A signal that nobody waited for, for a wait that begins by ``until`` (Unix milliseconds)."""

    letter: Letter
    until: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal that was sent; ``run_id`` is the run that was given it, if one was yet."""

    id: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``letter`` is what ``waiter`` was given and has not taken yet. ``sent`` are the last ones, the latest last."""

    waiter: Waiter | None = None
    letter: Letter | None = None
    kept: tuple[Kept, ...] = ()
    sent: tuple[Sent, ...] = ()

    def claimed(self, waiter: Waiter, now: int) -> Mailbox:
        """Once this step waits, in place of any other. It is given what was kept first and has not expired."""
        if self.waiter == waiter:
            return self
        kept = [each for each in self.kept if each.until >= now]
        letter = kept.pop(0).letter if kept else None
        return replace(self, waiter=waiter, letter=letter, kept=tuple(kept))._remembering(letter)

    def released(self, waiter: Waiter) -> Mailbox:
        """Once this step waits no longer."""
        return replace(self, waiter=None, letter=None) if self.waiter == waiter else self

    def letter_for(self, waiter: Waiter) -> Letter | None:
        """What the step was given."""
        return self.letter if self.waiter == waiter else None

    def found(self, letter_id: str) -> Sent | None:
        """The signal of that id, if it was sent before."""
        return next((each for each in self.sent if each.id == letter_id), None)

    def given(self, letter: Letter) -> Mailbox:
        """Once who waits was given the signal."""
        return replace(self, letter=letter)._remembering(letter)

    def keeping(self, name: str, letter: Letter, until: int) -> Mailbox:
        """Once the signal is kept; ``LimitError`` if as many are as may be."""
        kept = [each for each in self.kept if each.until >= letter.at]
        if len(kept) == MAX_KEPT:
            raise LimitError(f"signal {name!r}: {MAX_KEPT} are kept for later already, and nobody has waited for them")
        return replace(self, kept=(*kept, Kept(letter, until)))._remembering(letter)

    def _remembering(self, letter: Letter | None) -> Mailbox:
        if letter is None:
            return self
        to = self.waiter.run_id if self.waiter and letter == self.letter else None
        others = [each for each in self.sent if each.id != letter.id]
        return replace(self, sent=(*others, Sent(letter.id, to))[-REMEMBERED:])
