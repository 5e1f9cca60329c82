"""The steps that a remote function waits with: each operation becomes the step of Tarry's that does the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.model.step import Failure, InvokeRequest, Signal, Status, WaitRequest
from tarry_backend.remote import ops as asked
from tarry_backend.remote.answers import AppError
from tarry_backend.remote.states import name_here
from tarry_backend.remote.transport import fetch
from tarry_backend.replay.step_request import event_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.function import Function
    from tarry_backend.remote.inquiry import Inquiry
    from tarry_backend.remote.ops import Op
    from tarry_backend.remote.step_ledger import StepLedger
    from tarry_backend.replay.branch_past import BranchPast
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["OpSteps"]

_ORDER: tuple[type[Op], ...] = (asked.Wait, asked.Signal, asked.Sleep, asked.Invoke, asked.Gateway)
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

    def open(self, ops: Sequence[Op], past: BranchPast) -> None:
        """Open the steps.

        Raises:
            UsageError: The function asks for what cannot be, such as a wrong expression. The error names the step.
        """
        for kind in _ORDER:
            for op in ops:
                if type(op) is kind and self._is_wanted(op):
                    try:
                        self._open(op, past)
                    except UsageError as error:
                        raise type(error)(f"step {op.key!r}: {error}") from error

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
            case asked.Gateway():
                self._fetch(op, past)

    def _wait(self, op: asked.Wait, past: BranchPast) -> None:
        """Open a wait. Another wait of the same answer does not move from where this one looks."""
        now, name = self._journal.now(), name_here(op.event)
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
        self._ledger.took(self._journal.open_signal(replace(step, due=due, signal=Signal(op.signal))))

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

    def _fetch(self, op: asked.Gateway, past: BranchPast) -> None:
        """Make the request that the app leaves to its server. An answer of an AI model counts only with status 2xx."""
        began = past.began(self._journal.begins(), self._run.attempt_since)
        step = self._ledger.steps.get(op.key) or self._ledger.begin(op.key, "run", Status.RETRYING, began)
        body = op.body if isinstance(op.body, str | None) else json.dumps(op.body, ensure_ascii=False)
        left, _ = self._journal.time_left()
        try:
            answer = fetch(op.method, op.url, op.headers, None if body is None else body.encode(), left / 1000)
        except AppError as error:
            self._ledger.failed(step, Failure("GatewayError", str(error)), is_final=False)
            return
        text = answer.body.decode(errors="replace")
        if not op.is_model:
            value = {"url": op.url, "status_code": answer.status, "headers": dict(answer.headers), "body": text}
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
