"""The steps of one run, as its driver changes them: their numbers, their sizes, and what is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry._wire.jsonvalues import encode
from tarry.errors import LimitError
from tarry_backend.model.step import Failure, Status, Step
from tarry_backend.replay.jitter import jitter
from tarry_backend.replay.outcome import OutputSize, pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry.errors import RetryAfterError
    from tarry.function import Retries
    from tarry_backend.replay.journal import Journal

__all__ = ["StepLedger"]


class StepLedger:
    """The steps of a run by their keys. It continues the numbering of beginnings and ends."""

    def __init__(
        self, run_id: str, retries: Retries, journal: Journal, history: Iterable[Step], max_steps: int
    ) -> None:
        self._run_id = run_id
        self._retries = retries
        self._journal = journal
        self._max_steps = max_steps
        self.steps = {step.key: step for step in history}
        self.ended = 0
        self._outputs = OutputSize()
        for step in self.steps.values():
            self._outputs.count(step)
        self._order = max((max(s.begun_order, s.ended_order or 0) for s in self.steps.values()), default=0)

    @property
    def next_order(self) -> int:
        """The order of the next beginning or end."""
        return self._order + 1

    @property
    def retrying(self) -> list[Step]:
        """The steps that have failed, and have a next attempt."""
        return [step for step in self.steps.values() if step.status is Status.RETRYING]

    def reserve(self) -> None:
        """Leave an order free for the end of a wait, which the journal may find at once."""
        self._order += 1

    def begin(self, key: str, kind: str, status: Status, began: int) -> Step:
        """Return a new step, which is not stored yet.

        Raises:
            LimitError: The run has the most steps allowed.
        """
        self.check_room([key])
        self._order += 1
        return Step(key=key, kind=kind, status=status, begun_order=self._order, began=began)

    def check_room(self, keys: Iterable[str]) -> None:
        """Check that the run may have steps of these keys, too.

        Raises:
            LimitError: It would have more steps than are allowed.
        """
        count = len(self.steps)
        for key in keys:
            count += key not in self.steps
            if count > self._max_steps:
                raise LimitError(
                    f"step {key!r} would be step {count} of the run; at most {self._max_steps} are allowed"
                )

    def took(self, step: Step) -> None:
        """Note a step that the journal has stored."""
        if not step.is_open:
            self.ended += 1
            self._order = max(self._order, step.ended_order or 0)
        self.steps[step.key] = step

    def done(self, step: Step, value: Any) -> None:
        """Store the end of a step that has returned a value. A value that is too large fails the step."""
        try:
            output = self._outputs.checked(step, encode(value, f"step {step.key!r}: its output"))
        except Exception as error:  # it is of the app, and another attempt would bring the same
            self._end(replace(step, due=None), Status.FAILED, error=Failure.of(error))
            return
        self._end(replace(step, due=None, error=None), Status.DONE, output=output)

    def failed(self, step: Step, error: Failure, *, is_final: bool, retry: RetryAfterError | None = None) -> None:
        """Store that an attempt of a step has failed: its next attempt, or its end."""
        if is_final or step.attempt >= self._retries.limit:
            self._end(replace(step, due=None), Status.FAILED, error=error)
            return
        now = self._journal.now()
        span = None if retry is None else pause(retry, now)
        if span is None:
            span = self._retries.pause(step.attempt, jitter(self._run_id, step.key, step.attempt))
        again = replace(step, status=Status.RETRYING, attempt=step.attempt + 1, due=now + span, error=error)
        self._journal.keep(again)
        self.took(again)

    def sleep(self, step: Step, due: int) -> None:
        """Store a sleep; end it if it is over."""
        step = replace(step, due=due)
        if due <= self._journal.now():
            self._end(step, Status.DONE, output="null")
        else:
            self._journal.keep(step)
            self.took(step)

    def wake(self) -> None:
        """End the sleeps that are over."""
        for step in list(self.steps.values()):
            if step.kind == "sleep" and step.is_open and step.due is not None and step.due <= self._journal.now():
                self._end(step, Status.DONE, output="null")

    def _end(self, step: Step, status: Status, output: str | None = None, error: Failure | None = None) -> None:
        self._order += 1
        moment = self._journal.begins() if step.kind in ("run", "send") else self._journal.now()
        ended = replace(
            step,
            status=status,
            ended_order=self._order,
            ended=max(step.began, moment),
            output=output,
            error=error,
        )
        self._journal.keep(ended)
        self.took(ended)
