"""Times as the console's pages write them."""

import pytest

from tarry_backend.model.moment import iso
from tarry_dev.console.times import ago, clock_time, exact, long_time, milliseconds_of

NOW = 1_767_614_400_000  # Monday, 5 January 2026, 12:00 UTC


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (0, "now"),
        (600, "600 ms ago"),
        (3_700, "3 s ago"),
        (75_000, "1 m 15 s ago"),
        (-3 * 86_400_000, "in 3 d"),
    ],
)
def test_near_times_are_said_from_now(apart: int, words: str) -> None:
    assert ago(NOW - apart, NOW) == words


def test_the_further_away_the_more_of_the_date_is_written() -> None:
    day = 86_400_000
    assert clock_time(NOW + 5_000, NOW) == "12:00:05"
    assert clock_time(NOW + 4 * day, NOW) == "Friday 12:00"
    assert clock_time(NOW + 30 * day, NOW) == "4 Feb 12:00"
    assert clock_time(NOW + 400 * day, NOW) == "9 Feb 2027 12:00"


def test_the_exact_time_is_to_the_millisecond() -> None:
    assert exact(NOW + 123) == "2026-01-05 12:00:00.123 +0000"
    assert long_time(NOW) == "Monday 5 January 2026, 12:00:00"


@pytest.mark.parametrize("moment", [0, NOW + 7, 10**14, 10**15 - 1])
def test_a_documents_time_is_read_back_also_outside_of_pythons_calendar(moment: int) -> None:
    assert milliseconds_of(iso(moment)) == moment
    assert milliseconds_of(None) is None
