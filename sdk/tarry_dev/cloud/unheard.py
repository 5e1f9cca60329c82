"""Why the events of a test started no run, or did not end a run's wait: for the error of the test."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry import App
    from tarry_backend.api.receipts import Receipt

__all__ = ["unmatched", "unstarted"]


def unstarted(app: App, names: Iterable[str]) -> str:
    """Return a text that names events with which no function starts; empty if there are none."""
    triggers = [trigger for function in app.functions.values() for trigger in function.event_triggers]
    said = ""
    for name in dict.fromkeys(names):
        if any(trigger.names(name) for trigger in triggers):
            continue
        meant = get_close_matches(name, [trigger.event for trigger in triggers], n=1)
        said += f"; no function starts with {name!r}" + (f": did you mean {meant[0]!r}?" if meant else "")
    return one_line(said)


def unmatched(run_id: str, receipts: Iterable[Receipt]) -> Iterator[str]:
    """Yield a line for each wait of the run that an event of its name did not end, with the false conditions."""
    for receipt in receipts:
        event = receipt.received.event
        for miss in receipt.near.waits:
            if miss.run.id == run_id:
                conditions = "; ".join(str(each) for each in miss.conjuncts if not each.holds)
                yield one_line(f"  {event.name} ({event.id}) did not end {miss.step_key}: {conditions}")
