"""The page that sends an event, or a signal: filled in for the wait that it is to resolve."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry._wire.bus import source_of
from tarry_backend.model.step import Status
from tarry_dev.console.source import PageError
from tarry_dev.console.visit import Gone, Page
from tarry_dev.console.wait_condition import condition_words, filled_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_dev.console.visit import Visit

__all__ = ["event_names", "send", "show", "signal"]

SEND, SIGNAL = ("events:PutEvents",), ("lambda:InvokeFunction",)

_BACK = (600_000, 3_600_000, 86_400_000)
"""How far the page looks back for the last event of a name, one after the other, in milliseconds."""


def show(visit: Visit) -> Page:
    """Show the form. ``run`` and ``step`` name the wait that it is filled in for."""
    if visit.arg("run"):
        return _for_wait(visit)
    name = visit.arg("name")
    sample, origin = _sample(name, visit) if name else ({}, "")
    context = {
        "name": name,
        "data": _written(sample),
        "origin": origin,
        "names": event_names(visit),
        "target": None,
        "signal": None,
        "back": "",
        "why_not": visit.why_not(*SEND),
    }
    return Page("send.html", "Send an event", "send", context)


def send(visit: Visit) -> Gone:
    """Send the event as the app sends its own."""
    visit.check(*SEND)
    name = visit.given("name").strip()
    data, user = _json(visit.given("data"), "data"), visit.given("user").strip()
    event = Event(name, data, visit.given("id").strip(), user=_json(user, "user") if user else None)
    [event_id] = visit.source.lookups.send([event])
    back = visit.given("run")
    if back:
        return Gone(visit.link("runs", back), f"{name} is sent.")
    source = source_of(visit.source.deployment.app_id)
    return Gone(visit.link("events", event_id, name=name, source=source), f"{name} is sent.")


def signal(visit: Visit) -> Gone:
    """Send the signal."""
    visit.check(*SIGNAL)
    try:
        data = json.loads(visit.given("data") or "null")
    except (ValueError, RecursionError) as error:
        raise PageError(400, f"The data are not JSON: {error}.") from None
    receipt = visit.source.lookups.signal(visit.given("name"), data, None, None)
    back = visit.link("runs", visit.given("run")) if visit.given("run") else visit.link("waits")
    return Gone(back, f"The signal is {receipt.status.value}.")


def event_names(visit: Visit) -> list[str]:
    """Return the names of events that the app's functions start with, and that runs wait for now."""
    facts = visit.source.deployment.facts
    names = {trigger.event for each in facts for trigger in each.triggers} | set(visit.source.samples)
    names |= {name for each in facts for name in each.cancels}
    for _, step in visit.source.lookups.open_waits(50):
        names |= {wait.event_name for wait in step.wait.all} if step.wait is not None else set()
    return sorted(name for name in names if not name.endswith("*") and not name.startswith("tarry/"))


def _for_wait(visit: Visit) -> Page:
    snapshot = visit.source.lookups.snapshot(visit.arg("run").upper())
    key = visit.request.args.get("step", "")
    step = None if snapshot is None else snapshot.step(key)
    if snapshot is None or step is None or step.status is not Status.WAITING:
        raise PageError(404, "The run does not wait there any more: look at its page.")
    if step.signal is not None:
        return _for_signal(visit, snapshot, step)
    if step.wait is None:
        raise PageError(404, "This step waits for no event.")
    place = {str(place): wait for place, wait in enumerate(step.wait.all)}
    wait = place.get(visit.arg("place"), step.wait)
    sample, origin = _sample(wait.event_name, visit)
    context: dict[str, Any] = {
        "name": wait.event_name,
        "data": _written(filled_data(wait, snapshot.run.event, sample)),
        "origin": origin,
        "names": [wait.event_name],
        "target": {
            "run": snapshot.run.id,
            "function": snapshot.run.function_id,
            "step": key,
            "words": condition_words(wait, snapshot.run.event),
        },
        "signal": None,
        "back": snapshot.run.id,
        "why_not": visit.why_not(*SEND),
    }
    return Page("send.html", f"Send {wait.event_name}", "send", context)


def _for_signal(visit: Visit, snapshot: RunSnapshot, step: Step) -> Page:
    assert step.signal is not None
    target = {"run": snapshot.run.id, "function": snapshot.run.function_id, "step": step.key, "words": ""}
    context: dict[str, Any] = {
        "name": step.signal.name,
        "data": "null",
        "origin": "",
        "names": [],
        "target": target,
        "signal": step.signal.name,
        "back": snapshot.run.id,
        "why_not": visit.why_not(*SIGNAL),
    }
    return Page("send.html", "Send a signal", "send", context)


def _sample(name: str, visit: Visit) -> tuple[Mapping[str, Any], str]:
    """Data to begin with, and where they are from: the last event of the name, or its type."""
    lookups = visit.source.lookups
    for back in _BACK:
        if newest := lookups.newest_events(name, visit.now - back, visit.now, 1):
            return dict(newest[-1].event.data), "the last event of this name"
    if name in visit.source.samples:
        return visit.source.samples[name], "the fields of its event type"
    return {}, ""


def _written(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data), indent=2, ensure_ascii=False)


def _json(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise PageError(400, f"The {what} are not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise PageError(400, f'The {what} are a JSON object, such as {{"id": 7}}.')
    return value
