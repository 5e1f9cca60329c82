"""The output and actions of ``tarry dlq``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tarry._wire.limits import why_not_value
from tarry_backend.clock import now
from tarry_backend.model.moment import iso
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.screen import BAD, note, print_json, screen, table
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar, compact
from tarry_dev.control_characters import one_line
from tarry_dev.letter_content import content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from tarry_dev.dead_letters import Letter
    from tarry_dev.letter_content import Content

__all__ = ["redrive_letters", "show_letters"]


_WIDTH = 200


def show_letters(show: int, stack: str | None, as_json: bool) -> None:
    """``tarry dlq ls``."""
    with connect(stack) as tarry:
        queues = tarry.dead_letters
        counts = {name: queue.count() for name, queue in queues.items()}
        letters = {name: queue.peek(min(show, counts[name])) for name, queue in queues.items()}
    if as_json:
        print_json({"queues": [_document(name, counts[name], letters[name]) for name in queues]})
        return
    screen().print(_counts(counts))
    for name, found in letters.items():
        if found:
            screen().print(_letters(name, found))


def redrive_letters(queue: str | None, stack: str | None, as_json: bool) -> None:
    """``tarry dlq redrive``."""
    with connect(stack) as tarry:
        chosen = tarry.dead_letters if queue is None else {queue: tarry.dead_letters[queue]}
        redriven = {name: each.redrive() for name, each in chosen.items()}
    if as_json:
        print_json({"redriven": redriven})
        return
    for name, count in redriven.items():
        screen().print(f"{name}: {count} put back" if count else f"{name}: no dead letters")
    if redriven.get("events"):
        note("an event counts from when it came first; a wait that has timed out stays so")


def _counts(counts: Mapping[str, int]) -> Table:
    made = table("Queue", "Dead letters")
    for name, count in counts.items():
        made.add_row(name, str(count))
    return made


def _letters(name: str, letters: Sequence[Letter]) -> Table:
    made = table("Queue", "Sent", "Receives", "Kind", "Event", "Run", "Body")
    calendar = Calendar(now())
    for letter in letters:
        what = content(letter.body)
        made.add_row(
            name,
            calendar.at(letter.sent),
            str(letter.receives),
            what.kind,
            one_line(what.event or ""),
            one_line((what.run or "")[:SHORT]),
            _shown(letter, what),
        )
    return made


def _document(name: str, count: int, letters: Sequence[Letter]) -> dict[str, Any]:
    return {"name": name, "count": count, "letters": [_letter(letter) for letter in letters]}


def _letter(letter: Letter) -> dict[str, Any]:
    what = content(letter.body)
    return {
        "id": letter.id,
        "kind": what.kind,
        "event": what.event,
        "run": what.run,
        "sent": iso(letter.sent),
        "receives": letter.receives,
        "refused": what.refused,
        "body": _json(letter.body),
    }


def _shown(letter: Letter, what: Content) -> Text:
    body = _json(letter.body)
    # What is not read as JSON is shown as it is: it may be nested too deeply to be written once more.
    text = one_line(letter.body)[:_WIDTH] if what.refused else compact(body, _WIDTH)
    return Text.assemble(text, *([("\n" + one_line(what.refused), BAD)] if what.refused else []))


def _json(body: str) -> Any:
    """The body as JSON, or as text if it is none, or is nested more deeply than Python writes."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return body if why_not_value(value) else value
