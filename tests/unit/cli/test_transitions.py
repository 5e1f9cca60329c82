"""The lines that ``tarry dev`` writes, from two snapshots of a run."""

import json
from dataclasses import replace
from datetime import UTC
from typing import Any

from tarry import Event
from tarry_backend.model.event_identity import identity_of
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run, RunSnapshot, RunStatus
from tarry_backend.replay import Failure, Invocation, Status, Step, Wait
from tarry_dev.cli.times import Calendar
from tarry_dev.cli.transitions import moves

T = 1_767_614_400_000  # 5 January 2026, 12:00:00 UTC

RUN = Run(id="R", function_id="f", event=Event("go", {"n": 1}, "e-1"), received_at=T, started=T)


def step(key: str, order: int, status: Status, **fields: Any) -> Step:
    return Step(key=key, kind="run", status=status, begun_order=order, began=T, **fields)


def wait(order: int, status: Status = Status.WAITING, **fields: Any) -> Step:
    awaited = Wait(event_name="done", expression=None, since=Position(T), deadline=T + 60_000, alternatives=())
    return replace(step("w", order, status, **fields), kind="wait", wait=awaited)


def resolved(order: int) -> Step:
    answer = json.dumps({"name": "done", "id": "e-2", "data": {}, "ts": T, "user": None, "source": ""})
    done = wait(order, Status.DONE, ended_order=order + 1, ended=T + 5_000, output=answer)
    assert done.wait is not None
    return replace(done, wait=replace(done.wait, resolved_by=Position(T + 5_000, identity_of("e-2", "", "done"))))


def lines(before: RunSnapshot | None, after: RunSnapshot) -> list[str]:
    return [f"{move.mark} {move.text}" for move in moves(before, after, Calendar(T, UTC))]


def snapshot(*steps: Step, **fields: Any) -> RunSnapshot:
    return RunSnapshot(replace(RUN, **fields), steps)


def test_a_run_that_was_not_seen_before_is_told_from_its_start() -> None:
    done = step("a", 1, Status.DONE, ended_order=2, ended=T + 12, output='"x"')
    assert lines(None, snapshot(done, wait(3))) == [
        '▶ started by go {"n": 1}',
        '✓ a took 12 ms → "x"',
        "◷ w: waits for done until 12:01:00",
    ]


def test_what_was_told_is_not_told_again() -> None:
    assert lines(snapshot(wait(1)), snapshot(wait(1))) == []


def test_a_wait_is_resumed_by_an_event_or_times_out() -> None:
    assert lines(snapshot(wait(1)), snapshot(resolved(1))) == ["✓ w: resumed by done e-2 after 5 s"]
    silent = wait(1, Status.DONE, ended_order=2, ended=T + 60_500, output="null")
    assert lines(snapshot(wait(1)), snapshot(silent)) == ["⧖ w: timed out, no done within 1 m"]


def test_a_wait_that_the_log_resolved_at_once_is_told_in_both_its_parts() -> None:
    assert lines(snapshot(), snapshot(resolved(1))) == [
        "◷ w: waits for done until 12:01:00",
        "✓ w: resumed by done e-2 after 5 s",
    ]


def test_moves_come_in_the_order_in_which_they_happened() -> None:
    first = step("a", 1, Status.DONE, ended_order=4, ended=T + 9)
    second = step("b", 2, Status.DONE, ended_order=3, ended=T + 5)
    assert lines(snapshot(), snapshot(first, second)) == ["✓ b took 5 ms", "✓ a took 9 ms"]


def test_each_failed_attempt_is_told_with_the_time_of_the_next() -> None:
    error = Failure("ValueError", "boom")
    first = step("a", 1, Status.RETRYING, attempt=1, due=T + 15_000, error=error)
    second = step("a", 1, Status.RETRYING, attempt=2, due=T + 45_000, error=error)
    assert lines(snapshot(first), snapshot(second)) == [
        "↻ a: attempt 2 failed: ValueError: boom; attempt 3 at 12:00:45"
    ]


def test_a_run_ends_with_its_output_or_its_error() -> None:
    finished = snapshot(status=RunStatus.FINISHED, ended=T + 2_000, output='{"a": 1}')
    assert lines(snapshot(), finished) == ['✓ finished after 2 s: {"a": 1}']
    failed = snapshot(status=RunStatus.FAILED, ended=T + 2_000, error=Failure("ValueError", "boom"))
    assert lines(snapshot(), failed) == ["✗ failed after 2 s: ValueError: boom"]


def test_a_function_that_failed_is_told_when_it_is_tried_again() -> None:
    trying = snapshot(error=Failure("KeyError", "'x'"), due=T + 15_000, attempt=1)
    assert lines(snapshot(), trying) == ["↻ attempt 1 failed: KeyError: 'x'; attempt 2 at 12:00:15"]
    assert lines(trying, trying) == []


def test_a_run_that_is_cancelled_says_so_and_no_more() -> None:
    running, cancelled = snapshot(wait(1)), snapshot(wait(1), status=RunStatus.CANCELLED, ended=T + 2_000)
    assert lines(running, cancelled) == ["⊘ cancelled after 2 s"]


def invocation(status: Status = Status.INVOKING, **fields: Any) -> Step:
    return replace(step("i", 1, status, **fields), kind="invoke", invocation=Invocation("pack", "01ABCDEFGH"))


def test_an_invocation_says_for_which_run_it_waits_and_what_that_returned() -> None:
    assert lines(snapshot(), snapshot(invocation())) == ["◷ i: waits for pack, run 01ABCDEF"]
    assert lines(snapshot(), snapshot(invocation(due=T + 60_000))) == [
        "◷ i: waits for pack, run 01ABCDEF, until 12:01:00"
    ]
    done = invocation(Status.DONE, ended_order=2, ended=T + 5_000, output="[1]")
    assert lines(snapshot(invocation()), snapshot(done)) == ["✓ i took 5 s → [1]"]
    error = Failure("InvokeTimeoutError", "function 'pack' has not ended")
    failed = invocation(Status.FAILED, ended_order=2, ended=T + 5_000, error=error)
    assert lines(snapshot(invocation()), snapshot(failed)) == ["✗ i: InvokeTimeoutError: function 'pack' has not ended"]


def test_a_failed_attempt_says_which_of_how_many_and_where_in_your_code() -> None:
    stack = (
        'Traceback (most recent call last):\n  File "/app/shop.py", line 12, in charge\n    bank.pay()\n'
        '  File "/usr/lib/python3.12/socket.py", line 7, in connect\n    raise error\nConnectionError: shut\n'
    )
    error = Failure("ConnectionError", "shut", stack)
    first = step("charge", 1, Status.RETRYING, attempt=1, due=T + 15_000, error=error)
    last = step("charge", 1, Status.FAILED, attempt=4, ended_order=2, ended=T + 9, error=error)
    shown = [move.text for each in (first, last) for move in moves(snapshot(), snapshot(each), Calendar(T, UTC), 5)]
    assert shown == [
        "charge: attempt 1 of 5 failed: ConnectionError: shut (/app/shop.py line 12, in charge); attempt 2 at 12:00:15",
        "charge: attempt 5 of 5 failed, and is the last: ConnectionError: shut (/app/shop.py line 12, in charge)",
    ]
