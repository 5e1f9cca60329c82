"""What becomes of a failed run's steps in its next life, by the orders in which they began and ended."""

from dataclasses import replace

import pytest

from tarry import Event
from tarry_backend.executor.run_revival import Plan, planned
from tarry_backend.model.life import Revival
from tarry_backend.model.run import Run, RunSnapshot
from tarry_backend.model.step import Signal, Status, Step
from tarry_backend.replay import Failure, Wait

RUN = Run(id="R", function_id="order", event=Event("placed", id="1", ts=0), received_at=0, started=0)

ENDED = 90_000

FAILED = Step(
    key="ship",
    kind="run",
    status=Status.FAILED,
    begun_order=2,
    began=1_000,
    ended_order=6,
    ended=9_000,
    attempt=4,
    error=Failure("ValueError", "no such column", ""),
)
"""The step that has failed the run. Its end is the sixth thing that happened to the run's steps."""

OPENED = replace(FAILED, status=Status.RETRYING, attempt=0, error=None, ended_order=None, ended=None)


def ended(key: str, kind: str, status: Status, order: int) -> Step:
    """A step that began before the failure, and ended at that place in the run's order."""
    return Step(
        key=key, kind=kind, status=status, begun_order=3, began=1_000, ended_order=order, ended=9_000, output='"x"'
    )


def plan(*steps: Step, order: int | None = 6) -> Plan:
    """What becomes of the failed step and of these."""

    def register(wait: Wait) -> Wait:
        raise AssertionError("none of these waits for an event")

    revival = Revival(asked=100_000, step="ship", order=order, ended=ENDED)
    return planned(RunSnapshot(RUN, (FAILED, *steps)), revival, register)


def test_the_step_that_failed_is_open_again_with_all_its_attempts() -> None:
    assert plan() == Plan((OPENED,), ())


@pytest.mark.parametrize("order", [5, 7])
@pytest.mark.parametrize("kind", ["run", "send", "invoke"])
def test_a_step_that_has_a_result_does_not_run_again_though_it_ended_after_the_failure(kind: str, order: int) -> None:
    done = ended("pay", kind, Status.DONE, order)
    assert plan(done) == Plan((OPENED, done), ())


def test_a_step_that_failed_before_and_was_known_to_have_failed_does_not_run_again() -> None:
    failed = ended("pay", "run", Status.FAILED, 5)
    assert plan(failed) == Plan((OPENED, failed), ())


def test_an_error_of_the_function_itself_opens_no_step() -> None:
    assert plan(order=None) == Plan((FAILED,), ())


def test_what_began_after_the_failure_is_dropped() -> None:
    later = replace(ended("refund", "run", Status.DONE, 8), begun_order=7)
    assert plan(later) == Plan((OPENED,), (later,))


def test_waits_that_were_given_their_signals_too_late_have_ended_with_them_after_all_else() -> None:
    waits = [
        replace(ended(key, "signal", Status.WITHDRAWN, 7), signal=Signal(key, f"id of {key}", 8_000))
        for key in ("yes", "no")
    ]
    last = ended("pay", "run", Status.DONE, 11)
    _, yes, no, _ = plan(*waits, last).kept
    assert (yes, no) == tuple(
        replace(wait, status=Status.DONE, ended_order=order) for wait, order in zip(waits, (12, 13), strict=True)
    )


def test_a_signal_that_another_wait_has_taken_over_is_waited_for_anew() -> None:
    lost = replace(ended("yes", "signal", Status.WITHDRAWN, 7), signal=Signal("answer", "s1", 8_000))
    taken = replace(ended("again", "signal", Status.DONE, 4), signal=Signal("answer", "s1", 8_000))
    _, opened, kept = plan(lost, taken).kept
    assert opened == replace(
        lost, status=Status.WAITING, ended=None, ended_order=None, output=None, signal=Signal("answer")
    )
    assert kept == taken
