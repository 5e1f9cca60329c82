"""A wait for a signal and its mailbox: the wait enters its name there, takes what it was given, and leaves.

The step comes first where it is opened, so that whatever stands in a mailbox has a step by which it is withdrawn; and
where it is ended, so that what was given is not lost. At its deadline the wait leaves first: what was given before
counts, and after that nobody can give it anything.

    opened      step ── mailbox: waits
    given                              mailbox: letter (the sender) ── step: done ── mailbox: free
    deadline                           mailbox: free, no letter ───── step: done
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.jsonvalues import encode
from tarry._wire.mailbox import Waiter
from tarry.errors import UsageError
from tarry_backend.model.step import Signal, Status

if TYPE_CHECKING:
    from tarry._wire.mailbox import Letter, Mailbox
    from tarry._wire.mailboxes import Mailboxes
    from tarry_backend.model.step import Step
    from tarry_backend.store import Runs, Store

__all__ = ["Signalling", "answered"]


class Signalling:
    """What the executor does with mailboxes. Each of it may be done twice."""

    def __init__(self, store: Store) -> None:
        self._boxes: Mailboxes = store.mailboxes
        self._runs: Runs = store.runs

    def claim(self, run_id: str, step: Step, now: int) -> Letter | None:
        """Has the step wait at the mailbox; what it was given, if something is there for it.

        A wait whose deadline had passed when it began is given what was sent up to then. What is newer stays there for
        the next wait:

            mailbox    kept: 1 ──── deadline ──── kept: 2 ──── the wait claims it: given 1 ──── the next wait: given 2

        ``UsageError`` if another step waits there. One that has ended, and could not free it yet, does not.
        """
        waiter, name = Waiter(run_id, step.key), _signal(step).name
        sent_by = step.due if step.due is not None and step.due < step.began else None

        def decide(box: Mailbox) -> tuple[Mailbox, Letter | None]:
            if box.waiter not in (None, waiter) and self._is_open(box.waiter):
                raise UsageError(_taken(name, box.waiter, run_id))
            claimed = box.claimed(waiter, now, sent_by)
            return claimed, claimed.letter

        return self._boxes.change(name, decide)

    def look(self, run_id: str, step: Step) -> Letter | None:
        """What the step was given, if it was."""
        return self._boxes.look(_signal(step).name).letter_for(Waiter(run_id, step.key))

    def leave(self, run_id: str, step: Step) -> Letter | None:
        """Has the step wait no longer, if it was given nothing; else what it was given."""
        waiter = Waiter(run_id, step.key)

        def decide(box: Mailbox) -> tuple[Mailbox, Letter | None]:
            letter = box.letter_for(waiter)
            return (box, letter) if letter else (box.released(waiter), None)

        return self._boxes.change(_signal(step).name, decide)

    def free(self, run_id: str, step: Step) -> None:
        """Frees the mailbox for the next wait, whatever the step was given."""
        self._boxes.change(_signal(step).name, lambda box: (box.released(Waiter(run_id, step.key)), None))

    def _is_open(self, waiter: Waiter) -> bool:
        step = self._runs.step(waiter.run_id, waiter.step_key)
        return step is not None and step.is_open and step.status is not Status.WITHDRAWN


def answered(step: Step, letter: Letter | None, order: int, now: int) -> Step:
    """The wait's step once a signal, or its deadline, has ended it."""
    signal = _signal(step)
    if letter is not None:
        signal = replace(signal, sent_id=letter.id, sent_at=letter.at)
    output = "null" if letter is None else encode(letter.data, f"signal {signal.name!r}")
    return replace(step, status=Status.DONE, ended_order=order, ended=now, output=output, signal=signal)


def _signal(step: Step) -> Signal:
    assert step.signal is not None
    return step.signal


def _taken(name: str, waiter: Waiter, run_id: str) -> str:
    whose = "this run" if waiter.run_id == run_id else f"run {waiter.run_id}"
    return (
        f"step {waiter.step_key!r} of {whose} waits for signal {name!r}: a signal has one receiver; "
        "put what tells the runs apart into its name, or wait for an event, which many can"
    )
