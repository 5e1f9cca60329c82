"""The steps that a remote function waits with: each operation becomes the step of Tarry's that does the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.signal_request import check_signal
from tarry.errors import UsageError
from tarry.event import check_name
from tarry_backend.model.step import Failure, InvokeRequest, Signal, Status, WaitRequest
from tarry_backend.remote import ops as asked
from tarry_backend.remote.answers import Answer, AppError
from tarry_backend.remote.outside_request import outside_answer
from tarry_backend.remote.states import name_here
from tarry_backend.replay.outcome import of_error
from tarry_backend.replay.step_request import event_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.remote.inquiry import Inquiry
    from tarry_backend.remote.ops import Op
    from tarry_backend.remote.step_ledger import StepLedger
    from tarry_backend.replay.branch_past import BranchPast
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Failed
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["OpSteps"]

_SIDE_BY_SIDE = 10
"""The most requests to other services at the same time."""

_BODILESS = frozenset({204, 205, 304})
"""The statuses beside which a ``Response`` of JavaScript takes no body, not even an empty one."""

_ORDER: tuple[type[Op], ...] = (asked.Wait, asked.Signal, asked.Sleep, asked.Invoke)
"""Waits come first: what follows may bring about the event that they wait for."""


class OpSteps:
    """Opens the steps that a function asks for, and passes over those that the run has already."""

    def __init__(
        self, function: Function, run: Replayed, journal: Journal, ledger: StepLedger, inquiry: Inquiry
    ) -> None:
        self._function = function
        self._run = run
        self._journal = journal
        self._ledger = ledger
        self._inquiry = inquiry
        self.is_short = False
        """Whether a request did not begin, since the invocation nears its end."""

    def open(self, ops: Sequence[Op], past: BranchPast) -> Failed | None:
        """Open the steps. Return the run's failure if the function asks for what cannot be: a wrong expression."""
        for kind in _ORDER:
            for op in ops:
                if type(op) is kind and self._is_wanted(op):
                    try:
                        self._open(op, past)
                    except UsageError as error:
                        is_told = str(error).startswith(f"step {op.key!r}")
                        return of_error(error, None if is_told else op.key)
        return None

    def _is_wanted(self, op: Op) -> bool:
        """Whether a step is new, or is to be made again: a failed request, an invocation that a retry goes on from."""
        kept = self._ledger.steps.get(op.key)
        if kept is None:
            return True
        if isinstance(op, asked.Invoke):
            return kept.status is Status.INVOKING and kept.invocation is None
        is_due = kept.status is Status.RETRYING and (kept.due or 0) <= self._journal.now()
        return isinstance(op, asked.Gateway) and is_due

    def _open(self, op: Op, past: BranchPast) -> None:
        match op:
            case asked.Wait():
                self._wait(op, past)
            case asked.Signal():
                self._signal(op)
            case asked.Sleep(until=until):
                now = self._journal.now()
                due = asked.moment_of(until, now)
                self._ledger.sleep(self._ledger.begin(op.key, "sleep", Status.SLEEPING, now), due)
            case asked.Invoke():
                self._invoke(op, past)

    def _wait(self, op: asked.Wait, past: BranchPast) -> None:
        """Open a wait. Another wait of the same answer does not move from where this one looks."""
        now, name = self._journal.now(), name_here(check_name(op.event))
        request = WaitRequest(
            event_name=name,
            if_exp=op.if_exp,
            match=op.match,
            since=past.since(name, None, now),
            deadline=asked.moment_of(op.timeout, now),
        )
        step = self._ledger.begin(op.key, "wait", Status.WAITING, now)
        self._ledger.reserve()
        self._ledger.took(self._journal.open_wait(step, request))

    def _signal(self, op: asked.Signal) -> None:
        now = self._journal.now()
        step = self._ledger.begin(op.key, "signal", Status.WAITING, now)
        self._ledger.reserve()
        due = asked.moment_of(op.timeout, now)
        self._ledger.took(self._journal.open_signal(replace(step, due=due, signal=Signal(check_signal(op.signal)))))

    def _invoke(self, op: asked.Invoke, past: BranchPast) -> None:
        now = self._journal.now()
        request = InvokeRequest(
            app_id=None,
            function_id=op.function_id,
            event_id=event_id_of(self._run.id, op.key, 0),
            data=op.data,
            user=op.user,
        )
        began = past.began(self._journal.begins(), self._run.attempt_since)
        step = self._ledger.steps.get(op.key) or self._ledger.begin(op.key, "invoke", Status.INVOKING, began)
        due = None if op.timeout is None else asked.moment_of(op.timeout, now)
        self._ledger.took(self._journal.invoke(replace(step, due=due), request))

    def ask_outside(self, asked_for: Sequence[Op], past: BranchPast) -> None:
        """Make the requests that the app leaves to its server, side by side. Each result is stored as it comes.

        With little time left, none begins: the run is not at rest, and goes on in another invocation. That is so only
        if the run has made progress in this one. Else a slow app would be asked again and again, for ever:

            invocation 1   ask the app (slow) ── little time: no request
            invocation 2   ask the app (slow) ── little time: no request …
        """
        # An id that is there twice is one step, whose request is made once.
        ops = {op.key: op for op in asked_for if isinstance(op, asked.Gateway) and self._is_wanted(op)}
        if not ops:
            return
        if self._ledger.ended and not self._inquiry.has_room:
            self.is_short = True
            return
        began = past.began(self._journal.begins(), self._run.attempt_since)
        steps = {key: self._ledger.steps.get(key) or self._run_step(key, began) for key in ops}
        patience = self._journal.time_left()[0] / 1000
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(steps)), thread_name_prefix="outside") as threads:
            calls = {threads.submit(outside_answer, op, patience): op for op in ops.values()}
            for call in as_completed(calls):
                op = calls[call]
                try:
                    self._answered(op, steps[op.key], call.result())
                except AppError as error:
                    self._ledger.failed(steps[op.key], Failure("GatewayError", str(error)), is_final=False)

    def _run_step(self, key: str, began: int) -> Step:
        return self._ledger.begin(key, "run", Status.RETRYING, began)

    def _answered(self, op: asked.Gateway, step: Step, answer: Answer) -> None:
        """Store an answer. That of an AI model counts only with status 2xx."""
        text = answer.body.decode(errors="replace")
        if not op.is_model:
            body = None if answer.status in _BODILESS else text
            value = {"url": op.url, "status_code": answer.status, "headers": dict(answer.headers), "body": body}
            self._ledger.done(step, value)
        elif answer.status > 299:
            why = f"the model's provider answers {answer.status}: {text[:10_000]}"
            self._ledger.failed(step, Failure("AIGatewayError", why), is_final=False)
        else:
            self._ledger.done(step, _parsed(text))


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
