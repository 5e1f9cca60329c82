"""What the demo makes of the runs in the store."""

from datetime import UTC
from typing import Any

from tarry import Event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import Run, RunSnapshot, RunStatus
from tarry_backend.replay import Failure
from tarry_dev.cli.demo.effects import effects, ends, most_telling
from tarry_dev.cli.times import Calendar
from tests.unit.cli.test_transitions import T, resolved, wait

CALENDAR = Calendar(T, UTC)


def event(name: str, event_id: str) -> ReceivedEvent:
    return ReceivedEvent(Event(name, {"id": event_id}, event_id), T)


def snapshot(number: int, *steps: Any, started_by: str = "e-1", by_name: str = "go", **fields: Any) -> RunSnapshot:
    started = Event(by_name, {}, started_by)
    return RunSnapshot(
        Run(id=f"RUN{number:07d}", function_id="f", event=started, received_at=T, started=T, **fields), steps
    )


def test_an_event_did_what_the_runs_say_of_it() -> None:
    runs = [snapshot(1, resolved(1)), snapshot(2, resolved(1)), snapshot(3, wait(1), started_by="e-3")]
    told = effects([event("go", "e-1"), event("go", "e-3"), event("done", "e-2"), event("done", "e-9")], runs)
    assert [effect.did for effect in told] == [
        "started 2 runs",
        "started RUN00000",
        "resumed 2 runs",
        "nothing matched",
    ]


def test_many_events_on_end_that_did_alike_are_one_line() -> None:
    runs = [snapshot(number, started_by=f"e-{number}") for number in range(7)]
    told = effects([event("go", f"e-{number}") for number in range(7)], runs)
    assert [(effect.count, effect.did) for effect in told] == [(7, "started 7 runs")]


def test_an_event_both_starts_and_resumes() -> None:
    runs = [snapshot(1, resolved(1), started_by="e-0"), snapshot(2, started_by="e-2", by_name="done")]
    assert effects([event("done", "e-2")], runs)[0].did == "started 1 run, resumed 1 run"


def test_runs_are_put_together_by_their_end_and_its_reason() -> None:
    done: dict[str, Any] = {"status": RunStatus.FINISHED, "ended": T}
    runs = [
        snapshot(1, resolved(1), output='"yes"', **done),
        snapshot(2, status=RunStatus.FAILED, ended=T, error=Failure("KeyError", "'x'")),
        snapshot(3, resolved(1), output='"yes"', **done),
        snapshot(4, wait(1)),
        snapshot(5, output='{"n": 1}', **done),
    ]
    assert [(group.end, group.why, len(group.snapshots)) for group in ends(runs, CALENDAR)] == [
        ("yes", "done came", 2),
        ("failed", "KeyError: 'x'", 1),
        ("running", "waits for done until 12:01:00", 1),
        ('{"n": 1}', "", 1),
    ]


def test_the_run_that_events_resumed_tells_the_most() -> None:
    plain, resumed = snapshot(1, wait(1), wait(3)), snapshot(2, resolved(1))
    assert most_telling([plain, resumed]) is resumed
    assert most_telling([]) is None
