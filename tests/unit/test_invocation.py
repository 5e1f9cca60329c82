"""What the end of a run makes of the step which has invoked it."""

from dataclasses import replace

import pytest

from tarry import Event
from tarry_backend.executor.invocation import returned, timed_out
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.replay import Failure, Invocation, Status, Step
from tarry_backend.replay.outcome import MAX_RUN

STEP = Step(
    key="packing",
    kind="invoke",
    status=Status.INVOKING,
    begun_order=3,
    began=1_000,
    due=91_000,
    invocation=Invocation("pack", "R"),
)
RUN = Run(id="R", function_id="pack", event=Event("e", id="1", ts=0), received_at=0, started=0)
ENDED = replace(STEP, ended_order=7, ended=5_000, due=None)
ERROR = Failure("ValueError", "no box", "the stack")


def test_a_run_that_goes_on_makes_nothing_of_it() -> None:
    assert returned(STEP, RUN, 0, 7, 5_000) is None


def test_a_result_is_the_steps_output() -> None:
    run = replace(RUN, status=RunStatus.FINISHED, output="[1]")
    assert returned(STEP, run, 0, 7, 5_000) == replace(ENDED, status=Status.DONE, output="[1]")


def test_an_error_is_the_steps_error() -> None:
    run = replace(RUN, status=RunStatus.FAILED, error=ERROR)
    assert returned(STEP, run, 0, 7, 5_000) == replace(ENDED, status=Status.FAILED, error=ERROR)


def test_a_run_that_was_cancelled_is_an_error_of_that_name_even_if_it_had_failed_before() -> None:
    done = returned(STEP, replace(RUN, status=RunStatus.CANCELLED, error=ERROR), 0, 7, 5_000)
    assert done is not None
    assert (done.status, done.output) == (Status.FAILED, None)
    assert done.error == Failure("InvocationCancelledError", "function 'pack' (run R) was cancelled")


def test_a_deadline_is_an_error_that_names_function_run_and_timeout() -> None:
    done = timed_out(STEP, 7, 91_500)
    assert (done.status, done.ended_order, done.ended, done.due) == (Status.FAILED, 7, 91_500, None)
    assert done.error is not None
    assert done.error.name == "InvokeTimeoutError"
    assert done.error.message.startswith("function 'pack' (run R) has not ended within 0:01:30")


@pytest.mark.parametrize(("kept", "status"), [(MAX_RUN - 3, Status.DONE), (MAX_RUN - 2, Status.FAILED)])
def test_results_that_are_more_than_a_run_keeps_are_an_error(kept: int, status: Status) -> None:
    done = returned(STEP, replace(RUN, status=RunStatus.FINISHED, output="[1]"), kept, 7, 5_000)
    assert done is not None
    assert done.status is status
    assert done.error is None or (done.error.name, "33,554,432" in done.error.message) == ("LimitError", True)
