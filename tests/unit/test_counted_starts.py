"""At most so many starts count in any time of the length, whatever order they come in."""

from hypothesis import given
from hypothesis import strategies as st

from tarry_backend.model.counted_starts import CountedStarts
from tarry_backend.store.run_starts import counted_claim

MOMENTS = st.lists(st.integers(0, 300), max_size=60)


def play(received: list[int], limit: int, span: int) -> list[tuple[int, bool]]:
    """When each event counts, and whether it does."""
    counted, played = CountedStarts(), []
    for each in received:
        moment, after = counted.moment(each), counted.with_one(each, limit, span)
        played.append((moment, after is not None))
        counted = counted if after is None else after
    return played


@given(MOMENTS, st.integers(1, 5), st.integers(1, 100))
def test_no_time_of_the_length_has_more_than_the_limit(received: list[int], limit: int, span: int) -> None:
    counts = [moment for moment, counts in play(received, limit, span) if counts]
    assert counts == sorted(counts)
    assert all(later - earlier >= span for earlier, later in zip(counts, counts[limit:], strict=False))


@given(MOMENTS, st.integers(1, 5), st.integers(1, 100))
def test_an_event_is_limited_only_if_the_time_before_it_is_full(received: list[int], limit: int, span: int) -> None:
    played = play(received, limit, span)
    for place, (moment, counts) in enumerate(played):
        before = [each for each, counted in played[:place] if counted and moment - span < each <= moment]
        assert counts is (len(before) < limit)


@given(st.lists(st.integers(0, 300), max_size=60).map(sorted), st.integers(1, 5), st.integers(1, 100))
def test_in_their_order_events_count_when_they_were_received(received: list[int], limit: int, span: int) -> None:
    assert [moment for moment, _ in play(received, limit, span)] == received


def test_room_comes_a_period_after_the_earliest_of_the_last_starts() -> None:
    full = CountedStarts((3, 5, 9))
    assert (full.free_at(3, 10), full.free_at(2, 10), full.free_at(4, 10)) == (13, 15, None)


def test_a_thousand_starts_are_stored_in_six_bytes_each() -> None:
    many = CountedStarts(tuple(range(1_800_000_000_000, 1_800_000_001_000)))
    item, _ = counted_claim("order#-#-", CountedStarts(), many, 60_000)
    assert len(item.stored()["counted"]["B"]) == 6_000
