"""Delays to the millisecond, for tests of apps: SQS delays by whole seconds, and tests move the clock by hours."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tarry_backend.queues.messages import Due, Marker, MessageError, decode

if TYPE_CHECKING:
    from moto.sqs.models import Message as StoredMessage

__all__ = ["make_punctual"]


def make_punctual(message: StoredMessage, now: int) -> None:
    """Let a delayed message come out when its sleep, its retry or its deadline is due.

        due ──── (SQS: up to a second) ──── woken       a sleep: at ``due``
        deadline ── (0.5 to 1.5 s) ──── marker out      a wait: a millisecond later, behind the events at the deadline

    A message that is not delayed stays as it is: the events of the bus, and what is overdue.
    """
    if message.delayed_until <= now:
        return
    with suppress(MessageError):
        match decode(message.body):
            case Due(due=due):
                message.delayed_until = max(due, now)
            case Marker(deadline=deadline):
                message.delayed_until = max(deadline + 1, now)
