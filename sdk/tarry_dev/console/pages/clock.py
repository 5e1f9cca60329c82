"""The page of the clock of ``tarry dev``: what time it is there, what comes next, and how it is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_dev.console.source import PageError
from tarry_dev.console.times import long_time
from tarry_dev.console.visit import Gone, Page
from tarry_dev.time_span import span

if TYPE_CHECKING:
    from tarry_dev.console.visit import Visit

__all__ = ["move", "show"]

_TIMERS = 20


def show(visit: Visit) -> Page:
    """Show the clock."""
    clock = visit.source.clock
    if clock is None:
        raise PageError(404, "The time of a stack on AWS cannot be moved. Only tarry dev has this page.")
    timers = [{"at": at, "what": what, "run": run} for at, what, run in clock.timers(_TIMERS)]
    context = {
        "ahead": _rounded(clock.ahead),
        "timers": timers,
        "why_not": visit.why_not(),
        "shown": long_time(visit.now),
    }
    return Page("clock.html", "Clock", "clock", context, every=visit.refresh(), moving=True)


def move(visit: Visit) -> Gone:
    """Move it: by a duration, or past the next timer."""
    visit.check()
    clock = visit.source.clock
    if clock is None:
        raise PageError(404, "The time of a stack on AWS cannot be moved.")
    by = visit.given("by").strip()
    moved = clock.move(
        {"next": True} if visit.given("next") else {"by": int(by) if by.isdecimal() and len(by) < 16 else by}
    )
    return Gone(visit.link("clock"), f"The clock moved by {span(_rounded(moved))}.")


def _rounded(milliseconds: int) -> int:
    """Round to ten seconds, if it is more than a minute: real time goes on while the clock is moved."""
    return milliseconds if milliseconds < 60_000 else round(milliseconds, -4)
