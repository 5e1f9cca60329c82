"""The delivery of a signal: into its mailbox, then a message to the run that waits there.

The signals Lambda does this for senders outside of the stack. A step, which runs in the executor, does it by itself.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._wire.aws import client
from tarry._wire.mailbox import Letter
from tarry._wire.mailboxes import Mailboxes
from tarry._wire.signal_message import Signalled
from tarry.signalreceipt import SignalReceipt, SignalStatus

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from tarry._wire.mailbox import Mailbox, Waiter
    from tarry._wire.signal_request import SignalRequest

__all__ = ["SignalPost", "posted"]


class SignalPost:
    """One app's mailboxes and its runs queue. Thread-safe; boto3 loads with the first signal.

    Args:
        table: The name of the stack's table.
        runs_queue: The URL of the stack's runs queue.
    """

    _client: SQSClient = client("sqs")

    def __init__(self, table: str, runs_queue: str) -> None:
        self._mailboxes = Mailboxes(table)
        self._runs_queue = runs_queue

    def deliver(self, request: SignalRequest) -> SignalReceipt:
        """Deliver one signal; return its receipt.

        The mailbox is written first, then the message to the waiting run goes out. If the sender dies in between,
        sending again under the same id sends that message. Otherwise the wait finds the signal at its deadline:

            sender      mailbox ──── message
            executor                 reads the mailbox ── stores the step ── frees the mailbox

        Raises:
            LimitError: Ten signals of the name are already kept.
            SignalError: Too many use the name at once.
        """
        now = time.time_ns() // 1_000_000
        letter = Letter(request.id, request.data, now)
        until = None if request.keep is None else now + request.keep

        def post(box: Mailbox) -> tuple[Mailbox, tuple[Mailbox, SignalReceipt]]:
            after, receipt = posted(box, request.name, letter, until, request.call)
            return after, (after, receipt)

        box, receipt = self._mailboxes.change(request.name, post)
        if box.waiter is not None and box.letter is not None and box.letter.id == letter.id:
            self._client.send_message(QueueUrl=self._runs_queue, **_message(box.waiter))
        return receipt


def posted(
    box: Mailbox, name: str, letter: Letter, until: int | None, call: str | None = None
) -> tuple[Mailbox, SignalReceipt]:
    """Return the mailbox with the signal in it, and the sender's receipt. Pure.

    A call that comes a second time, because its client lost the answer, gets the answer of the first time:

        client     invoke ─────────────── (no answer) ── invoke again ─────────── "delivered"
        Lambda            mailbox: letter                              mailbox: letter, of this call
    """
    if before := box.found(letter.id):
        if call is None or before.call != call:
            return box, SignalReceipt(SignalStatus.DUPLICATE, letter.id, before.run_id)
        if before.run_id is not None:
            return box, SignalReceipt(SignalStatus.DELIVERED, letter.id, before.run_id)
        return box, _kept(letter, box.kept_until(letter.id) or until)
    if box.waiter is not None and box.letter is None:
        return box.given(letter, call), SignalReceipt(SignalStatus.DELIVERED, letter.id, box.waiter.run_id)
    if until is None:
        return box, SignalReceipt(SignalStatus.NOBODY_WAITS, letter.id)
    return box.keeping(name, letter, until, call), _kept(letter, until)


def _kept(letter: Letter, until: int | None) -> SignalReceipt:
    moment = None if until is None else datetime.fromtimestamp(until / 1000, UTC)
    return SignalReceipt(SignalStatus.KEPT, letter.id, kept_until=moment)


def _message(waiter: Waiter) -> dict[str, Any]:
    """Return the SQS parameters of the message to a waiting run.

    SQS drops a repeated message within five minutes. That is right here: a step receives one signal.
    """
    told = Signalled(waiter.run_id, waiter.step_key)
    body = json.dumps({"tarry": told.kind, **asdict(told)}, separators=(",", ":"))
    return {
        "MessageBody": body,
        "MessageGroupId": waiter.run_id,
        "MessageDeduplicationId": hashlib.sha256(body.encode()).hexdigest(),
    }
