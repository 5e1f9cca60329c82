"""How many Lambdas the queues start at the same time, within what the account may run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._engine.whole_number import is_whole
from tarry.errors import UsageError

if TYPE_CHECKING:
    from tarry_infra.functions import Capacity

__all__ = ["LEAST_CONCURRENCY", "within"]

_OTHERS = 3
"""What is kept for the Lambdas without a queue: the sweep, the signals and the audit's converter."""

LEAST_CONCURRENCY = 2
"""The least ``MaximumConcurrency`` that a queue's mapping takes."""


def within(account: int | None, *capacities: Capacity) -> tuple[Capacity, ...]:
    """Return the capacities with their ``concurrency`` lowered, in proportion, to what the account has room for.

    ``account`` is its concurrency: 1,000 usually, 10 in a new one (Lambda's developer guide, "Lambda quotas"). ``None``
    changes nothing.

    Lambda's poller takes messages from a queue as long as it is under the mapping's maximum. If the account has no room
    for the invocation, the receive counts nevertheless, and in the end a sound message is a dead letter.

    Raises:
        UsageError: The account has not even room for the least.
    """
    if account is None:
        return capacities
    if not is_whole(account, 1):
        raise UsageError(f"account_concurrency is {account!r}; give a whole number, such as 1000")
    room, asked = account - _OTHERS, [each.concurrency or account for each in capacities]
    least = LEAST_CONCURRENCY * len(capacities)
    if room < least:
        raise UsageError(
            f"account_concurrency={account} is too little: Tarry's Lambdas need {least + _OTHERS};"
            " ask AWS for more (Service Quotas, Lambda, concurrent executions)"
        )
    if sum(asked) <= room:
        return capacities
    shares = [max(LEAST_CONCURRENCY, room * each // sum(asked)) for each in asked]
    while sum(shares) > room:
        shares[shares.index(max(shares))] -= 1
    return tuple(replace(each, concurrency=share) for each, share in zip(capacities, shares, strict=True))
