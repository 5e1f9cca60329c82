"""What a run keeps: failures, and which events it has had."""

import pytest

from tarry import StepError
from tarry_backend.model.position import Position
from tarry_backend.replay import Failure, Status, Step, Wait, excluded_events


def wait(key: str, begun: int, ended: int | None, event_id: str | None) -> Step:
    """A wait that began and ended in that order."""
    return Step(
        key=key,
        kind="wait",
        status=Status.WAITING if ended is None else Status.DONE,
        begun_order=begun,
        began=1000 + begun,
        ended_order=ended,
        wait=Wait(
            event_name="paid",
            expression=None,
            since=Position(0),
            deadline=9000,
            alternatives=(),
            resolved_by=Position(2000, event_id) if event_id else None,
        ),
    )


STEPS = [wait("a", 1, 4, "e1"), wait("b", 2, 6, "e2"), wait("c", 3, None, None), wait("d", 5, 8, None)]


@pytest.mark.parametrize(
    ("begun_order", "excluded"),
    [
        (3, {"start"}),  # beside a and b: it may have the same events
        (5, {"start", "e1"}),
        (7, {"start", "e1", "e2"}),
        (9, {"start", "e1", "e2"}),
    ],
)
def test_a_wait_may_not_have_the_events_that_ended_waits_before_it_began(begun_order: int, excluded: set[str]) -> None:
    assert excluded_events(STEPS, begun_order, ["start"]) == excluded


def test_a_failure_has_the_errors_type_message_and_stack() -> None:
    try:
        raise KeyError("stock")
    except KeyError as error:
        failure = Failure.of(error)
    assert (failure.name, failure.message) == ("KeyError", "'stock'")
    assert 'raise KeyError("stock")' in failure.stack


def test_the_failure_of_a_step_error_is_that_of_the_step() -> None:
    assert Failure.of(StepError("pay", "OSError", "gone", "its stack")) == Failure("OSError", "gone", "its stack")
