"""Which events end a wait: by name, position and deadline, and by what its alternatives ask."""

from dataclasses import replace

import pytest

from tarry import Event
from tarry_backend.matching.keys import match_key
from tarry_backend.model.alternative import NAME_ONLY, Alternative
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.step import Wait
from tarry_backend.waits.lookup import admits, matches

PAID = Event("paid", {"n": 2}, id="p-1")


def wait(*residuals: str | None) -> Wait:
    """A wait for the event, from 1000 to 9000, that any of these conditions meets."""
    key = match_key("paid", NAME_ONLY, PAID)
    assert key is not None
    alternatives = tuple(Alternative(NAME_ONLY, key, residual) for residual in residuals)
    return Wait(event_name="paid", expression=None, since=Position(1_000), deadline=9_000, alternatives=alternatives)


@pytest.mark.parametrize(
    ("received_at", "counts"), [(999, False), (1_000, True), (9_000, True), (9_001, False)], ids=str
)
def test_an_event_counts_from_the_beginning_of_its_wait_to_the_deadline_inclusive(
    received_at: int, counts: bool
) -> None:
    assert admits(wait(None), "paid", Position(received_at, "p-1#x"), frozenset()) == counts


def test_neither_another_name_nor_an_event_that_the_run_had_ends_a_wait() -> None:
    position = Position(2_000, "p-1#x")
    assert not admits(wait(None), "billed", position, frozenset())
    assert not admits(wait(None), "paid", position, {"p-1#x"})
    assert admits(wait(None), "paid", position, {"p-2#x"})


@pytest.mark.parametrize(
    ("residuals", "holds"),
    [
        ([None], True),
        (["async.data.n == 2"], True),
        (["async.data.n == 3"], False),
        (["async.data.n == 3", "async.data.n == 2"], True),
        (["async.data.missing > 1", "async.data.n == 2"], True),
        (["async.data.missing > 1"], False),
        ([], False),
    ],
)
def test_one_alternative_that_holds_is_enough_though_another_has_no_answer(
    residuals: list[str | None], holds: bool
) -> None:
    assert matches(wait(*residuals), ReceivedEvent(PAID, 2_000)) == holds


def test_an_alternative_of_another_key_does_not_count() -> None:
    other = replace(wait(), alternatives=(Alternative(NAME_ONLY, "paid#another"),))
    assert not matches(other, ReceivedEvent(PAID, 2_000))
    both = replace(other, alternatives=(*other.alternatives, *wait(None).alternatives))
    assert matches(both, ReceivedEvent(PAID, 2_000)), "the one after it does"
