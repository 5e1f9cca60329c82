"""The page of dead letters: what Tarry could not process, and how it is put back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry._wire.limits import why_not_value
from tarry_dev.console.source import PageError
from tarry_dev.console.visit import Gone, Page
from tarry_dev.letter_content import content

if TYPE_CHECKING:
    from tarry_dev.console.visit import Visit
    from tarry_dev.dead_letters import Letter

__all__ = ["redrive", "show"]

_SHOWN = 20

LOOK = ("sqs:ReceiveMessage",)
REDRIVE = ("sqs:ReceiveMessage", "sqs:SendMessage", "sqs:DeleteMessage")


def show(visit: Visit) -> Page:
    """Show how many there are in each queue. ``look`` names the queue whose letters are shown."""
    queues = visit.source.dead_letters()
    chosen = visit.arg("look")
    rows = [{"name": name, "count": each.count()} for name, each in queues.items()]
    letters = [_letter(each) for each in queues[chosen].peek(_SHOWN)] if chosen in queues else []
    context = {
        "rows": rows,
        "chosen": chosen if chosen in queues else "",
        "letters": letters,
        "shown": _SHOWN,
        "why_not": visit.why_not(*REDRIVE),
        "why_not_look": visit.why_not(*LOOK),
    }
    # A letter that is looked at is hidden from others meanwhile: so the page does not look again by itself.
    return Page("dead_letters.html", "Dead letters", "dead-letters", context)


def redrive(visit: Visit, queue: str) -> Gone:
    """Put the letters of a queue back into it."""
    visit.check(*REDRIVE)
    queues = visit.source.dead_letters()
    if queue not in queues:
        raise PageError(404, f"There is no queue {queue[:40]!r}.")
    count = queues[queue].redrive()
    said = f"{count:,} dead letters of the queue {queue} are put back." if count else "There was no dead letter."
    return Gone(visit.link("dead-letters"), said)


def _letter(letter: Letter) -> dict[str, Any]:
    what = content(letter.body)
    return {
        "id": letter.id,
        "kind": what.kind,
        "event": what.event,
        "run": what.run,
        "refused": what.refused,
        "sent": letter.sent,
        "receives": letter.receives,
        "body": _json(letter.body),
    }


def _json(body: str) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return body if why_not_value(value) else value
