"""A batch of the runs queue: its runs side by side, each one's messages in their order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

__all__ = ["process"]


def process(
    records: Iterable[SQSRecord], handle: Callable[[SQSRecord], None], *, again: Callable[[SQSRecord], bool]
) -> list[str]:
    """Handles the records; returns the ids of the messages that are to come again.

    A message that fails holds back its run's later ones; the other runs go on. A run with a message that has come
    before (``again``) goes alone, after the others: it may be what the last executor has died of, and when it dies
    once more, nobody else is to blame.
    """
    runs: dict[str | None, list[SQSRecord]] = {}
    for record in records:
        runs.setdefault(record.attributes.message_group_id, []).append(record)
    alone = [run for run in runs.values() if any(map(again, run))]
    together = [run for run in runs.values() if not any(map(again, run))]
    return [*_side_by_side(together, handle), *(failed for run in alone for failed in _in_order(run, handle))]


def _side_by_side(runs: Sequence[Sequence[SQSRecord]], handle: Callable[[SQSRecord], None]) -> list[str]:
    """A thread each. What is no ``Exception`` ends the process, so it is raised here."""
    if len(runs) < 2:
        return [failed for run in runs for failed in _in_order(run, handle)]
    with ThreadPoolExecutor(len(runs), thread_name_prefix="run") as threads:
        futures = [threads.submit(_in_order, run, handle) for run in runs]
    return [failed for future in futures for failed in future.result()]


def _in_order(run: Sequence[SQSRecord], handle: Callable[[SQSRecord], None]) -> list[str]:
    for place, record in enumerate(run):
        try:
            handle(record)
        except Exception:
            logger.exception("message %s failed, and comes again", record.message_id)
            return [late.message_id for late in run[place:]]
    return []
