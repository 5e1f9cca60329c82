"""The waterfall's axis: linear where the run works, short where it only waits."""

import pytest

from tarry_dev.console.time_axis import time_axis

SECOND, DAY = 1_000, 86_400_000


def test_a_run_that_only_works_has_a_linear_axis() -> None:
    axis = time_axis(0, 10 * SECOND, [(0, 10 * SECOND)], [])
    assert [axis.at(moment * SECOND) for moment in (0, 5, 10)] == [0, 50, 100]
    assert axis.pauses == ()


def test_three_days_of_waiting_do_not_hide_two_seconds_of_work() -> None:
    work = [(0, SECOND), (3 * DAY, 3 * DAY + SECOND)]
    axis = time_axis(0, 3 * DAY + SECOND, work, [SECOND, 3 * DAY])
    [pause] = axis.pauses
    assert pause.label == "2 d 23 h"
    assert axis.at(SECOND) == pytest.approx(27.5)
    assert axis.at(3 * DAY) == pytest.approx(72.5)
    assert axis.at(3 * DAY + SECOND) == 100


def test_a_pause_as_long_as_the_work_is_drawn_in_its_true_length() -> None:
    axis = time_axis(0, 30, [(0, 10), (20, 30)], [10, 20])
    assert axis.pauses == ()
    assert axis.at(15) == 50


def test_a_run_that_has_only_waited_has_a_linear_axis() -> None:
    axis = time_axis(0, DAY, [], [])
    assert axis.pauses == ()
    assert axis.at(DAY // 2) == 50


@pytest.mark.parametrize("spans", [[], [(0, 1)], [(0, 1), (DAY, DAY + 5), (9 * DAY, 9 * DAY + 1)]])
def test_later_is_never_further_left_and_all_of_the_axis_is_used(spans: list[tuple[int, int]]) -> None:
    end = 10 * DAY
    axis = time_axis(0, end, spans, [moment for span in spans for moment in span])
    places = [axis.at(moment) for moment in range(0, end + 1, DAY // 4)]
    assert places == sorted(places)
    assert (axis.at(-5), axis.at(0), axis.at(end), axis.at(end + 5)) == (0, 0, 100, 100)
    assert axis.pieces[0].left == 0
    assert axis.pieces[-1].right == pytest.approx(100)


def test_a_run_whose_work_takes_no_time_has_a_linear_axis() -> None:
    axis = time_axis(0, DAY, [(DAY, DAY)], [6, 8, DAY])
    assert axis.pauses == ()


def test_gaps_of_less_than_a_second_are_never_drawn_short() -> None:
    axis = time_axis(0, 3 * DAY, [(20, 21), (900, 901)], [20, 21, 900, 901])
    [pause] = axis.pauses
    assert pause.begin == 901


def test_a_run_that_began_now_has_an_axis() -> None:
    axis = time_axis(5, 5, [], [])
    assert axis.at(5) == 0


def test_the_marks_stand_at_round_times_apart_from_each_other() -> None:
    axis = time_axis(1_000_003, 1_000_003 + 8 * SECOND, [(1_000_003, 1_000_003 + 8 * SECOND)], [])
    assert [tick.label for tick in axis.ticks] == ["0", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s"]
    assert all(b.at - a.at >= 11 for a, b in zip(axis.ticks, axis.ticks[1:], strict=False))
