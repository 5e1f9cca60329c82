"""The sweep's backoff: when it brings again what is overdue and still open."""

from tarry_backend.timers.timers import bring_ups, next_bring_up

MINUTE = 60_000
DAY = 1_440 * MINUTE


def brought(minutes: int) -> list[int]:
    """At which minutes of lateness a sweep each minute brings a due."""
    return [late for late in range(1, minutes + 1) if bring_ups(late * MINUTE) > bring_ups((late - 1) * MINUTE)]


def test_an_overdue_due_is_brought_when_it_is_twice_as_late_and_then_once_a_day() -> None:
    doubling = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert brought(4 * 1_440) == [*doubling, *(day * 1_440 for day in range(1, 5))]


def test_a_sweep_that_did_not_run_is_made_up_for_by_the_next_one() -> None:
    assert bring_ups(9 * MINUTE) > bring_ups(7 * MINUTE), "the one at eight minutes did not run"


def test_the_next_time_is_when_the_count_rises() -> None:
    for late in (0, 1, MINUTE - 1, MINUTE, 3 * MINUTE, 1_024 * MINUTE, 1_439 * MINUTE, DAY, 3 * DAY + 7):
        moment = next_bring_up(1_000, 1_000 + late)
        assert moment > 1_000 + late
        assert bring_ups(moment - 1_000) > bring_ups(late) == bring_ups(moment - 1_001)
    assert next_bring_up(1_000, 0) == 1_000 + MINUTE, "what is not due yet is overdue a minute after it is due"
