"""What an event did not match, in words: each condition with its values, the false one marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tarry_backend.api.near_misses import JUDGED
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.screen import BAD, GOOD, QUIET
from tarry_dev.cli.times import span
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from tarry_backend.api.near_misses import NearMisses, UnmatchedWait
    from tarry_backend.matching import Conjunct

__all__ = ["conditions", "near_rows", "unheard"]

_SHOWN = 5
"""How many waits are shown; ``--json`` has twenty."""


def conditions(conjuncts: Iterable[Conjunct]) -> Text:
    """Return a line for each condition: a sign, and its values."""
    lines = []
    for each in conjuncts:
        sign, style = ("✓", GOOD) if each.holds else ("✗", BAD) if each.holds is False else ("?", BAD)
        lines.append(Text.assemble((sign, style), " ", (one_line(str(each)), QUIET if each.holds else "")))
    return Text("\n").join(lines)


def near_rows(near: NearMisses, event_name: str) -> Iterator[tuple[RenderableType, ...]]:
    """Yield the rows of a receipt's table, the nearest first."""
    for trigger in near.triggers:
        done = "held" if trigger.holds else "not started"
        words = conditions(trigger.conjuncts)
        if trigger.holds:
            words = Text("its trigger holds: the start is under way, or another event has its idempotency value")
        yield Text(done, BAD), "", one_line(trigger.function_id), words
    for miss in near.waits[:_SHOWN]:
        yield Text("not matched", BAD), miss.run.id[:SHORT], _place(miss), _words(miss)
    shown = min(len(near.waits), _SHOWN)
    if near.unmatched > shown:
        yield "", "", Text(f"and {near.unmatched - shown:,} more open waits on {one_line(event_name)}"), ""
    if not near.is_whole:
        from tarry_backend.store.open_waits import TIMERS_LOOKED_AT  # only now: it loads the AWS SDK

        looked = f"there may be more: of the next {TIMERS_LOOKED_AT:,} timers, the first {JUDGED} waits were judged"
        yield "", "", Text(looked, QUIET), ""


def unheard(event_name: str, near: NearMisses) -> str:
    """Say that nothing listens to the name; empty if something does, or if that is not known."""
    if near.is_listened is not False:
        return ""
    meant = " or ".join(one_line(name) for name in near.similar)
    return f"nothing listens to {one_line(event_name)}" + (f"; did you mean {meant}?" if meant else "")


def _place(miss: UnmatchedWait) -> Text:
    return Text.assemble(miss.run.function_id, (f", {one_line(miss.step_key)}", QUIET))


def _words(miss: UnmatchedWait) -> Text:
    words = conditions(miss.conjuncts)
    if miss.early:
        words.append(f"\nit also came {span(miss.early)} before the wait's since", QUIET)
    return words
