"""The driver of a run whose code is in a remote app: it asks the app, stores what it answers, and asks again.

    discovery   the app runs the function over the stored steps, and says which steps it asks for now
    call        the app runs one of the steps that it has planned

A discovery that meets one new step alone runs it at once. So a function of three steps takes four requests.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry._wire.jsonvalues import encode
from tarry.errors import LimitError, UsageError
from tarry_backend.model.event_identity import identity
from tarry_backend.model.position import Position
from tarry_backend.model.step import Failure, Status
from tarry_backend.remote.answers import AppError, FunctionError, Reply, Result, failure_of, read_answer
from tarry_backend.remote.inquiry import DISCOVERY, Inquiry
from tarry_backend.remote.op_steps import OpSteps
from tarry_backend.remote.ops import Planned, Raised, Ran, hash_of
from tarry_backend.remote.pasts import Pasts
from tarry_backend.remote.step_ledger import StepLedger
from tarry_backend.replay.branch_past import BranchPast
from tarry_backend.replay.outcome import INSTEAD, MAX_OUTPUT, Failed, Finished, Paused, of_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.errors import RetryAfterError
    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.remote.connection import Connection
    from tarry_backend.remote.ops import Op
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Outcome
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["Drive"]

_SIDE_BY_SIDE = 10
"""The most requests of a run at the same time."""


class Drive:
    """One drive of one run: until it ends, or rests."""

    def __init__(
        self,
        function: Function,
        run: Replayed,
        history: Sequence[Step],
        journal: Journal,
        max_steps: int,
        connection: Connection,
        *,
        can_fetch: bool,
    ) -> None:
        self._function = function
        self._run = run
        self._journal = journal
        self._ledger = StepLedger(run.id, function.retries, journal, history, max_steps)
        self._inquiry = Inquiry(connection, function, run, journal, can_fetch=can_fetch)
        self._sent = 0
        self._news = run.news
        self._op_steps = OpSteps(function, run, journal, self._ledger, self._inquiry)

    def outcome(self) -> Outcome:
        """Drive the run."""
        self._ledger.wake()
        while True:
            if self._journal.is_cancelled():
                return Paused()
            if self._journal.out_of_time() or not self._inquiry.has_room:
                return Paused(out_of_time=True)
            ended = self._ledger.ended
            try:
                outcome = self._discover()
            except AppError as error:
                outcome = self._unanswered(error)
            except UsageError as error:
                outcome = of_error(error)
            if outcome is not None:
                return outcome
            if self._ledger.ended == ended:
                return self._at_rest()

    def _at_rest(self) -> Outcome:
        """Return the rest of a run in which nothing has ended. Something has to wake it, or it would rest for ever."""
        if self._op_steps.is_short or any(step.is_open for step in self._ledger.steps.values()):
            return Paused(out_of_time=self._op_steps.is_short)
        return self._unanswered(AppError("the function neither returns nor asks for a step that it does not have"))

    def _discover(self) -> Outcome | None:
        """Ask what the function does next, and do it; return ``None`` if the run goes on from there."""
        now, retrying = self._journal.now(), self._ledger.retrying
        resting = [step for step in retrying if (step.due or 0) > now]
        attempt = self._attempt
        is_alone = not resting and len(retrying) <= 1 and not attempt
        if is_alone and retrying:
            attempt = retrying[0].attempt
        self._sent = self._journal.begins()
        past = self._past()
        answer = self._inquiry.ask(DISCOVERY, self._ledger.steps.values(), attempt, at_once=is_alone)
        self._news = 0
        match read_answer(answer):
            case Result(value):
                return self._finished(value)
            case FunctionError() as raised:
                return self._raised(raised)
            case Reply(ops, retry):
                return self._take(ops, retry, past)

    @property
    def _attempt(self) -> int:
        """The attempt of the function itself. It is the first again once the run has made progress."""
        return 0 if self._ledger.ended else self._run.attempt

    def _past(self) -> BranchPast:
        """Return what lies behind the steps that the function asks for next."""
        run = self._run
        first = BranchPast(Position(run.received_at, identity(run.event)), given=run.started)
        return Pasts(first, self._ledger.steps.values()).before(self._ledger.next_order, self._news)

    def _take(self, ops: Sequence[Op], retry: RetryAfterError | None, past: BranchPast) -> Outcome | None:
        """Store what the function asks for. Waits come first, so that no answer to a step is missed."""
        began = past.began(self._sent, self._run.attempt_since)
        self._ledger.check_room({op.key: op for op in ops})
        if (failed := self._op_steps.open(ops, past)) is not None:
            return failed
        for op in ops:
            if isinstance(op, Ran | Raised):
                self._store(op, self._step(op, began), retry)
        self._op_steps.ask_outside(ops, past)
        # An id that is there twice is one step: its body is not asked for twice.
        planned = {op.key: op for op in ops if isinstance(op, Planned)}
        due = [step for op in planned.values() if (step := self._due(op, began)) is not None]
        return self._call_all(due) if due else None

    def _due(self, op: Planned, began: int) -> Step | None:
        """Return the step if it is to run now: it is new, or its next attempt is due."""
        kept = self._ledger.steps.get(op.key)
        if kept is None:
            return self._ledger.begin(op.key, "run", Status.RETRYING, began)
        is_due = kept.status is Status.RETRYING and (kept.due or 0) <= self._journal.now()
        return kept if is_due else None

    def _step(self, op: Op, began: int) -> Step | None:
        """Return the step that the app has run: a new one, or one whose attempt was due. ``None`` if it has ended."""
        kept = self._ledger.steps.get(op.key)
        if kept is None:
            return self._ledger.begin(op.key, "run", Status.RETRYING, began)
        return kept if kept.status is Status.RETRYING else None

    def _store(self, op: Ran | Raised, step: Step | None, retry: RetryAfterError | None) -> None:
        if step is None:
            return
        if isinstance(op, Ran):
            self._ledger.done(replace(step, kind="send") if op.is_send else step, op.value)
        else:
            self._ledger.failed(step, failure_of(op.error), is_final=op.is_final, retry=retry)

    def _call_all(self, planned: Sequence[Step]) -> Outcome | None:
        """Run planned steps, side by side. Each result is stored as it comes; a step without one runs again later."""
        known, problem = list(self._ledger.steps.values()), None
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(planned)), thread_name_prefix="app") as threads:
            asked = {
                threads.submit(self._inquiry.ask, hash_of(step.key), known, step.attempt, at_once=True): step
                for step in planned
            }
            for call in as_completed(asked):
                try:
                    problem = self._called(asked[call], read_answer(call.result())) or problem
                except AppError as error:
                    problem = self._unanswered(error)
        return problem

    def _called(self, step: Step, reply: Result | FunctionError | Reply) -> Outcome | None:
        """Store the result of a step that the app was asked to run. Its 200 never ends the run: see the protocol."""
        if isinstance(reply, FunctionError):
            return self._raised(reply)
        ops = reply.ops if isinstance(reply, Reply) else ()
        for op in ops:
            if isinstance(op, Ran | Raised) and op.key == step.key:
                self._store(op, step, reply.retry if isinstance(reply, Reply) else None)
                return None
        return self._unanswered(AppError(f"the app planned step {step.key!r}, and does not have it any more"))

    def _finished(self, value: Any) -> Outcome:
        try:
            output = encode(value, "the function's output")
        except Exception as error:
            return of_error(error)
        if len(output) > MAX_OUTPUT:
            return of_error(
                LimitError(
                    f"the function's output has {len(output):,} characters; at most {MAX_OUTPUT:,} are allowed{INSTEAD}"
                )
            )
        return Finished(output)

    def _raised(self, raised: FunctionError) -> Failed:
        """Return the failure of the function, with the step whose error it represents, as far as the message shows."""
        failed = [step for step in self._ledger.steps.values() if step.status is Status.FAILED and step.error]
        of_steps = [step.key for step in failed if step.error and step.error.message == raised.error.message]
        error = replace(raised.error, steps=tuple(of_steps[-1:]))
        return Failed(error, raised.is_final, raised.retry, unkept_since=self._sent)

    def _unanswered(self, error: AppError) -> Failed:
        """Return the failed attempt of a function whose app has not answered as it should."""
        failure = Failure("AppError", f"{self._inquiry.where}: {error}", kinds=("tarry_backend.remote.AppError",))
        return Failed(failure, final=False, cause=None, unkept_since=self._sent)
