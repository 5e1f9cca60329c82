"""The check of a function's cancels against its batches: a batch has several events that started its run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tarry._engine.place import place_of_call
from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry.cancel import Cancel

__all__ = ["check_batch_cancels"]


def check_batch_cancels(fn_id: str, cancels: Iterable[Cancel]) -> None:
    """Raise ``UsageError`` if a cancel compares its event with the one that started the run.

    In a Lambda only ``match`` is looked at: synthesis has checked expressions, and the grammar loads slowly.
    """
    for cancel in cancels:
        if cancel.match is not None or _reads_event(cancel):
            given = f"match={cancel.match!r}" if cancel.match is not None else f"if_exp={cancel.if_exp!r}"
            raise UsageError(
                f"function {fn_id!r}{place_of_call()}: its cancel on {cancel.event!r} has {given}, which reads the "
                "event that started the run; with batch_events there are several. Give an expression over async alone, "
                "or none"
            )


def _reads_event(cancel: Cancel) -> bool:
    if cancel.if_exp is None or "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return False
    from tarry._cel.checks import EVENTS, checked
    from tarry._cel.nodes import Name, walk

    return any(isinstance(part, Name) and part.name == "event" for part in walk(checked(cancel.if_exp, EVENTS)))
