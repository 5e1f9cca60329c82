"""No more than the burst, and one more for each interval, begin in any time."""

from hypothesis import given
from hypothesis import strategies as st

from tarry_backend.model.pace import Pace

GAPS = st.lists(st.integers(0, 400), min_size=1, max_size=60)


def play(pace: Pace, gaps: list[int]) -> tuple[list[int], list[int]]:
    """When runs come, and when they begin: as the two forms of ``Paces.reserve`` have it."""
    moment, upcoming, came, begun = 0, 0, [], []
    for gap in gaps:
        moment += gap
        came.append(moment)
        if upcoming <= moment:
            upcoming = moment + pace.interval
            begun.append(moment)
        else:
            begun.append(pace.begins(upcoming, moment))
            upcoming += pace.interval
    return came, begun


@given(GAPS, st.integers(1, 100), st.integers(1, 5))
def test_between_two_starts_there_are_the_intervals_of_those_beyond_the_burst(
    gaps: list[int], interval: int, burst: int
) -> None:
    _, begun = play(Pace(interval, burst), gaps)
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            assert begun[last] - begun[first] >= (last - first + 1 - burst) * interval


@given(GAPS, st.integers(1, 100), st.integers(1, 5))
def test_no_run_begins_before_it_comes_and_none_waits_without_need(gaps: list[int], interval: int, burst: int) -> None:
    came, begun = play(Pace(interval, burst), gaps)
    assert begun == sorted(begun)
    for place, (comes, begins) in enumerate(zip(came, begun, strict=True)):
        assert begins >= comes
        if begins > comes:  # the burst is used up
            assert place >= burst


def test_a_fraction_of_a_microsecond_is_rounded_up() -> None:
    assert Pace.of(3, 1_000, 1) == Pace(333_334, 1)
    assert Pace.of(1_000, 1_000, 7) == Pace(1_000, 7)
