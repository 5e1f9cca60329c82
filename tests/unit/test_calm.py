"""A debounce's windows, as the events of the log make them, in whichever order the matcher has them."""

from itertools import permutations

import pytest

from tarry_backend.model.calm import CALM, Calm, Spans, Window
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.position import Position

TEN = Spans(10)


def place(moment: int) -> EventPlace:
    return EventPlace(Position(moment, f"e{moment}#"), "typed")


def of(*moments: int, spans: Spans = TEN, calm: Calm = CALM) -> Calm:
    for moment in moments:
        calm = calm.with_event(place(moment), spans)
    return calm


def windows(calm: Calm) -> list[tuple[int, int]]:
    return [(each.first, each.latest.position.received_at) for each in calm.windows]


@pytest.mark.parametrize(
    ("moments", "wanted"),
    [
        ([0], [(0, 0)]),
        ([0, 10], [(0, 10)]),
        ([0, 11], [(0, 0), (11, 11)]),
        ([0, 7, 14, 21], [(0, 21)]),
        ([0, 5, 20, 22], [(0, 5), (20, 22)]),
    ],
)
def test_windows_are_those_of_the_log_in_whichever_order_events_come(
    moments: list[int], wanted: list[tuple[int, int]]
) -> None:
    for order in permutations(moments):
        assert windows(of(*order)) == wanted


def test_an_event_that_comes_twice_changes_nothing() -> None:
    calm = of(0, 5, 20)
    assert of(0, 5, 20, calm=calm) == calm
    fired = calm.fired(16, TEN)
    assert of(0, 5, 20, calm=fired) == fired


def test_a_window_ends_with_its_period_or_at_its_timeout() -> None:
    assert Window(0, place(8)).ends(Spans(10)) == 18
    assert Window(0, place(8)).ends(Spans(10, 15)) == 15
    assert windows(of(0, 8, 15, 16, spans=Spans(10, 15))) == [(0, 15), (16, 16)]


def test_a_window_fires_once_its_end_is_over() -> None:
    calm = of(0, 5)
    assert calm.fired(15, TEN) == calm
    fired = calm.fired(16, TEN)
    assert (fired.windows, fired.firing, fired.through) == ((), calm.windows, place(5).position)


def test_what_was_overtaken_by_the_firing_is_absorbed_or_has_a_window_of_its_own() -> None:
    fired = of(0, 5).fired(16, TEN)
    assert of(3, calm=fired) == fired
    assert windows(of(9, calm=fired)) == [(9, 9)]


def test_an_overtaken_event_that_is_far_before_the_window_has_one_of_its_own() -> None:
    assert windows(of(30, 5)) == [(5, 5), (30, 30)]
    assert windows(of(30, 21)) == [(21, 30)]


def test_a_third_window_fires_the_first() -> None:
    calm = of(0, 11, 22)
    assert windows(calm) == [(11, 11), (22, 22)]
    assert calm.firing == (Window(0, place(0)),)
    assert calm.through == place(0).position
