"""What a signal, or its absence, makes of the step that waits for it."""

from dataclasses import replace

import pytest

from tarry._wire.mailbox import Letter
from tarry_backend.executor.signal_wait import answered, unused_letter
from tarry_backend.model.step import Signal, Status, Step

WAIT = Step(
    key="answer",
    kind="signal",
    status=Status.WAITING,
    begun_order=9,
    began=1_000,
    due=91_000,
    signal=Signal("yes-or-no"),
)


def given(key: str, sent_id: str, begun_order: int, status: Status = Status.WITHDRAWN) -> Step:
    """An earlier wait on the same name, which was given a signal. If it is withdrawn, it was given that too late."""
    signal = Signal("yes-or-no", sent_id, 500)
    ended = replace(WAIT, key=key, signal=signal, begun_order=begun_order, status=status, output=f'"{key}"')
    return replace(ended, ended_order=begun_order + 1, ended=600)


def test_a_wait_that_nobody_answered_has_null_as_its_output() -> None:
    done = answered(WAIT, None, 12, 91_500)
    assert done == replace(WAIT, status=Status.DONE, output="null", ended_order=12, ended=91_500)


def test_a_signal_is_the_output_of_its_wait_which_keeps_id_and_time_of_sending() -> None:
    done = answered(WAIT, Letter("s1", {"ok": True}, 5_000), 12, 6_000)
    signal = Signal("yes-or-no", "s1", 5_000)
    assert done == replace(WAIT, status=Status.DONE, output='{"ok":true}', signal=signal, ended_order=12, ended=6_000)


def test_of_two_signals_that_came_too_late_the_next_wait_takes_that_of_the_earlier_wait() -> None:
    later, earlier = given("b", "s2", 5), given("a", "s1", 3)
    assert unused_letter([later, earlier], WAIT, ()) == Letter("s1", "a", 500)
    assert unused_letter([later], WAIT, ()) == Letter("s2", "b", 500)


def test_a_signal_that_the_function_has_had_is_no_other_waits() -> None:
    done = given("a", "s1", 3, Status.DONE)
    assert unused_letter([done], WAIT, ()) is None
    assert unused_letter([given("b", "s1", 2), done], WAIT, ()) is None
    assert unused_letter([done], WAIT, ("a",)) == Letter("s1", "a", 500), "its branch had lost a race by then"


@pytest.mark.parametrize(("due", "counts"), [(499, False), (500, True), (None, True), (91_000, True)])
def test_a_wait_whose_deadline_had_passed_takes_no_signal_that_was_sent_after_it(due: int | None, counts: bool) -> None:
    found = unused_letter([given("a", "s1", 3)], replace(WAIT, due=due), ())
    assert (found is not None) == counts
