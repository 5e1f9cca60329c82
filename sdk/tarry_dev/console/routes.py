"""Which page answers which address."""

from __future__ import annotations

from werkzeug.routing import Map, Rule

from tarry_dev.console.pages import audit, clock, dead_letters, event, events, functions, run, runs, send, theme, waits

__all__ = ["ADDRESSES", "routes"]

ADDRESSES = (
    *("runs", "events", "waits", "functions", "send", "signal", "dead-letters", "sql", "clock", "console", "theme"),
)
"""What the first part of a page's path may be. The path of the first page is empty."""

_PAGES = (
    ("/", runs.first),
    ("/runs", runs.show),
    ("/runs/many", runs.preview),
    ("/runs/<run_id>", run.show),
    ("/runs/<run_id>/value", run.value),
    ("/runs/<run_id>/rerun", run.rerun_form),
    ("/events", events.show),
    ("/events/<path:event_id>", event.show),
    ("/waits", waits.show),
    ("/functions", functions.show),
    ("/send", send.show),
    ("/dead-letters", dead_letters.show),
    ("/sql", audit.show),
    ("/clock", clock.show),
)

_ACTIONS = (
    ("/runs/many", runs.act),
    ("/runs/<run_id>/cancel", run.cancel),
    ("/runs/<run_id>/retry", run.retry),
    ("/runs/<run_id>/rerun", run.rerun),
    ("/send", send.send),
    ("/signal", send.signal),
    ("/functions/control", functions.control),
    ("/dead-letters/<queue>/redrive", dead_letters.redrive),
    ("/clock", clock.move),
    ("/theme", theme.choose),
)


def routes() -> Map:
    """Return the map of all pages and actions. An action is a form that a page posts."""
    shown = [Rule(path, endpoint=page, methods=["GET"]) for path, page in _PAGES]
    acts = [Rule(path, endpoint=act, methods=["POST"]) for path, act in _ACTIONS]
    return Map([*shown, *acts], strict_slashes=False, merge_slashes=False)
