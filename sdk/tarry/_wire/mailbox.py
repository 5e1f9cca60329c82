"""The mailbox of one signal name: who waits, what it received, and what is kept for later. Pure.

Senders and waits read it, decide, and write it only if it has not changed meanwhile. So if two do this at the same
time, one of them wins, and the other decides again over what the first one wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tarry.errors import LimitError

__all__ = ["MAX_KEPT", "REMEMBERED", "Kept", "Letter", "Mailbox", "Sent", "Waiter"]

MAX_KEPT = 10
"""The most signals of one name that are kept for later waits."""

REMEMBERED = 20
"""How many sent signals of a name the mailbox remembers, to detect duplicates."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """The step that waits."""

    run_id: str
    step_key: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A signal. ``data`` is a JSON value, ``at`` the time of sending (Unix milliseconds, the sender's clock)."""

    id: str
    data: Any
    at: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A signal that is kept for a wait that begins by ``until`` (Unix milliseconds)."""

    letter: Letter
    until: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal that was sent; ``run_id`` is the run that received it, or ``None``. ``call`` is its sender's mark."""

    id: str
    run_id: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One signal name's mailbox.

    Attributes:
        waiter: The step that waits.
        letter: The signal that ``waiter`` received and has not stored yet.
        kept: The signals kept for later waits.
        sent: The last signals that were sent, the newest last.
    """

    waiter: Waiter | None = None
    letter: Letter | None = None
    kept: tuple[Kept, ...] = ()
    sent: tuple[Sent, ...] = ()

    def claimed(self, waiter: Waiter, now: int, sent_by: int | None = None) -> Mailbox:
        """The mailbox once this step waits instead of any other. It receives the oldest kept signal that is valid.

        ``sent_by`` is the latest moment at which that may have been sent, for a wait whose deadline has passed.
        """
        if self.waiter == waiter:
            return self
        kept = [each for each in self.kept if each.until >= now]
        first = next((each for each in kept if sent_by is None or each.letter.at <= sent_by), None)
        letter = first.letter if first else None
        kept = [each for each in kept if each is not first]
        return replace(self, waiter=waiter, letter=letter, kept=tuple(kept))._remembering(letter)

    def released(self, waiter: Waiter) -> Mailbox:
        """The mailbox once this step no longer waits."""
        return replace(self, waiter=None, letter=None) if self.waiter == waiter else self

    def letter_for(self, waiter: Waiter) -> Letter | None:
        """Return the signal that the step received."""
        return self.letter if self.waiter == waiter else None

    def found(self, letter_id: str) -> Sent | None:
        """Return the sent signal of that id, if the mailbox remembers one."""
        return next((each for each in self.sent if each.id == letter_id), None)

    def kept_until(self, letter_id: str) -> int | None:
        """Return until when the signal is kept, in Unix milliseconds; ``None`` if it is not."""
        return next((each.until for each in self.kept if each.letter.id == letter_id), None)

    def given(self, letter: Letter, call: str | None = None) -> Mailbox:
        """The mailbox once the waiting step received the signal."""
        return replace(self, letter=letter)._remembering(letter, call)

    def keeping(self, name: str, letter: Letter, until: int, call: str | None = None) -> Mailbox:
        """The mailbox once it keeps the signal; raise ``LimitError`` if it is full."""
        kept = [each for each in self.kept if each.until >= letter.at]
        if len(kept) == MAX_KEPT:
            raise LimitError(
                f"signal {name!r}: {MAX_KEPT} signals are already kept, the most allowed; no step waits for them"
            )
        return replace(self, kept=(*kept, Kept(letter, until)))._remembering(letter, call)

    def _remembering(self, letter: Letter | None, call: str | None = None) -> Mailbox:
        """The mailbox that remembers the signal. A kept one that a wait takes later stays that of its call."""
        if letter is None:
            return self
        before = self.found(letter.id)
        call = before.call if before else call
        to = self.waiter.run_id if self.waiter and letter == self.letter else None
        others = [each for each in self.sent if each.id != letter.id]
        return replace(self, sent=(*others, Sent(letter.id, to, call))[-REMEMBERED:])
