"""A wait for a signal and its mailbox: the wait registers there, takes the signal that it is given, and leaves.

To open a wait, the executor writes the step first: so each waiter in a mailbox has a step that can withdraw it. To end
a wait, it writes the step first as well, so that a given signal is not lost. At its deadline the wait leaves first: a
signal given before counts, and after that no sender can give it one.

    opened      step ── mailbox: waits
    given                              mailbox: letter (the sender) ── step: done ── mailbox: free
    deadline                           mailbox: free, no letter ───── step: done
    withdrawn                          mailbox: free, no letter ───── step: withdrawn
    withdrawn late                     mailbox: letter ────────────── step: withdrawn, with it ── mailbox: free

The executor withdraws a wait if its branch loses a race, or its run ends. The wait leaves its mailbox before that
counts. So the receipt "delivered" means that the signal reached an open wait. The letter stays with that wait: the
run's next wait on the name takes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.jsonvalues import decode, encode
from tarry.errors import UsageError
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import Signal, Status

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from tarry._wire.mailbox import Letter, Mailbox, Waiter
    from tarry._wire.mailboxes import Mailboxes
    from tarry_backend.model.step import Step
    from tarry_backend.store import Store

__all__ = ["Signalling", "answered", "unused_letter"]


class Signalling:
    """The executor's use of mailboxes. Each operation may happen twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = store.runs

    def claim(self, run_id: str, step: Step, now: int, sent_by: int | None = None) -> Letter | None:
        """Register the step at the mailbox; return the signal that it was given, if there is one for it.

        A wait whose deadline had passed when it began gets a signal that was sent up to then. A newer signal stays for
        the next wait:

            mailbox    kept: 1 ──── deadline ──── kept: 2 ──── the wait claims it: given 1 ──── the next wait: given 2

        ``sent_by`` is the latest sending time of a signal that counts, if it is not for the step itself to say.

        Raises:
            UsageError: Another step waits there. A step that has ended, or whose run has, does not count.
        """
        waiter, name = _waiter(run_id, step), _signal(step).name
        latest = _sent_by(step) if sent_by is None else sent_by

        def decide(box: Mailbox) -> tuple[Mailbox, Letter | None]:
            if box.waiter not in (None, waiter) and self._is_open(box.waiter):
                raise UsageError(_taken(name, box.waiter, run_id))
            claimed = box.claimed(waiter, now, latest)
            return claimed, claimed.letter

        return self._boxes.change(name, decide)

    def look(self, run_id: str, step: Step) -> Letter | None:
        """Return the signal that the step was given, if any."""
        return self._boxes.look(_signal(step).name).letter_for(_waiter(run_id, step))

    def leave(self, run_id: str, step: Step) -> Letter | None:
        """Release the mailbox, unless the step was given a signal; return that signal, if any."""
        waiter = _waiter(run_id, step)

        def decide(box: Mailbox) -> tuple[Mailbox, Letter | None]:
            letter = box.letter_for(waiter)
            return (box, letter) if letter else (box.released(waiter), None)

        return self._boxes.change(_signal(step).name, decide)

    def withdraw(self, run_id: str, step: Step) -> Step:
        """Release the mailbox in the same way; return the step, with the signal that it was given, if any."""
        letter = self.leave(run_id, step)
        return step if letter is None else _with_letter(step, letter)

    def free(self, run_id: str, step: Step) -> None:
        """Free the mailbox for the next wait, whether or not the step was given a signal."""
        self._boxes.change(_signal(step).name, lambda box: (box.released(_waiter(run_id, step)), None))

    @property
    def _boxes(self) -> Mailboxes:
        return self._store.mailboxes

    def _is_open(self, waiter: Waiter) -> bool:
        step = self._runs.step(waiter.run_id, waiter.step_key)
        if step is None or not step.is_open or step.status is Status.WITHDRAWN:
            return False
        run = self._runs.run(waiter.run_id)
        return run is not None and run.status is RunStatus.RUNNING


def answered(step: Step, letter: Letter | None, order: int, now: int) -> Step:
    """Return the wait's step after a signal, or its deadline, has ended it."""
    step = replace(step, output="null") if letter is None else _with_letter(step, letter)
    return replace(step, status=Status.DONE, ended_order=order, ended=now)


def unused_letter(steps: Iterable[Step], step: Step, unused: Container[str]) -> Letter | None:
    """Return the signal of an earlier wait of the run whose branch lost a race before the function got the signal.

    ``unused`` are the keys of such waits that have ended by themselves.
    """
    waits = [each for each in steps if each.signal and each.signal.name == _signal(step).name and each.signal.sent_id]
    used = {_signal(each).sent_id for each in waits if each.is_given and each.key not in unused}
    latest = _sent_by(step)
    in_time = (each for each in waits if latest is None or (_signal(each).sent_at or 0) <= latest)
    left = (each for each in in_time if _signal(each).sent_id not in used)
    first = min(left, key=lambda each: each.begun_order, default=None)
    return None if first is None else _letter(first)


def _sent_by(step: Step) -> int | None:
    """Return the latest sending time of a signal for a wait that began after its deadline, or ``None``.

    It is that deadline.
    """
    return step.due if step.due is not None and step.due < step.began else None


def _with_letter(step: Step, letter: Letter) -> Step:
    signal = replace(_signal(step), sent_id=letter.id, sent_at=letter.at)
    return replace(step, output=encode(letter.data, f"signal {signal.name!r}"), signal=signal)


def _waiter(run_id: str, step: Step) -> Waiter:
    from tarry._wire.mailbox import Waiter  # few runs wait for signals

    return Waiter(run_id, step.key)


def _letter(step: Step) -> Letter:
    from tarry._wire.mailbox import Letter

    signal = _signal(step)
    assert signal.sent_id is not None
    return Letter(signal.sent_id, decode(step.output or "null"), signal.sent_at or 0)


def _signal(step: Step) -> Signal:
    assert step.signal is not None
    return step.signal


def _taken(name: str, waiter: Waiter, run_id: str) -> str:
    whose = "this run" if waiter.run_id == run_id else f"run {waiter.run_id}"
    return (
        f"step {waiter.step_key!r} of {whose} waits for signal {name!r}: a signal has one receiver; "
        "put what tells the runs apart into its name, or wait for an event, which many can"
    )
