"""Spans of time as people write them (contract 7)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarry import DurationError
from tarry.durations import MAX_DURATION, Timeout, deadline, milliseconds

NOW = 1_800_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("250ms", 250),
        ("5s", 5_000),
        ("10m", 600_000),
        ("2h", 7_200_000),
        ("3d", 3 * DAY),
        ("1w", 7 * DAY),
        ("1h30m", 5_400_000),
        ("1h 30m", 5_400_000),
        ("1d2h3m4s5ms", DAY + 7_384_005),
        ("1.5h", 5_400_000),
        ("2.3h", 8_280_000),
        ("1.001s", 1_001),
        ("-10m", -600_000),
        ("-1h30m", -5_400_000),
        ("0s", 0),
        ("366d", MAX_DURATION),
        (1500, 1500),
        (-1500, -1500),
        (timedelta(days=3), 3 * DAY),
        (timedelta(milliseconds=1), 1),
        (timedelta(microseconds=1999), 1),
        (timedelta(days=-1), -DAY),
        (timedelta(days=366), MAX_DURATION),
    ],
    ids=str,
)
def test_a_duration_in_milliseconds(written: timedelta | str | int, meant: int) -> None:
    assert milliseconds(written) == meant


@pytest.mark.parametrize(
    "written",
    ["3q", "", " ", "5", "h", "m5", "1h30", "3D", "1,5h", "--1h", "1h-30m", "three days", "1e3s", ".5h", "1h!", "٣q"],
)
def test_a_text_that_is_no_duration_is_an_error_that_quotes_it_and_shows_how(written: str) -> None:
    with pytest.raises(DurationError, match="such as '3d' or '1h30m'") as caught:
        milliseconds(written)
    assert repr(written) in str(caught.value)


@pytest.mark.parametrize("value", [None, 1.5, True, [], b"3d"], ids=repr)
def test_what_is_neither_text_number_nor_timedelta_is_an_error(value: int) -> None:
    with pytest.raises(DurationError, match="is not a duration"):
        milliseconds(value)


@pytest.mark.parametrize("written", ["367d", "400d", MAX_DURATION + 1, timedelta(days=366, milliseconds=1)], ids=str)
def test_w19_more_than_366_days_is_an_error_that_says_so(written: timedelta | str | int) -> None:
    with pytest.raises(DurationError, match="longer than 366 days"):
        milliseconds(written)


@pytest.mark.parametrize(
    ("timeout", "ends"),
    [
        ("1h", NOW + 3_600_000),
        (0, NOW),
        ("-1h", NOW - 3_600_000),
        ("366d", NOW + MAX_DURATION),
        (datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(seconds=5), NOW + 5_000),
        (datetime.fromtimestamp(NOW / 1000, timezone(timedelta(hours=9))), NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(days=366), NOW + MAX_DURATION),
    ],
    ids=str,
)
def test_a_deadline_in_unix_milliseconds(timeout: Timeout, ends: int) -> None:
    assert deadline(timeout, NOW) == ends


@settings(derandomize=True)
@given(st.integers(0, 4_000_000_000_000))
def test_a_datetime_is_a_deadline_to_the_millisecond(moment: int) -> None:
    written = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    assert deadline(written, moment) == moment


def test_a_datetime_without_a_time_zone_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(DurationError, match=r"has no time zone: give an aware datetime, such as datetime.now\(UTC\)"):
        deadline(datetime(2027, 1, 1), NOW)  # noqa: DTZ001


def test_w19_a_datetime_more_than_366_days_away_is_an_error() -> None:
    with pytest.raises(DurationError, match="more than 366 days away"):
        deadline(datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(days=366, seconds=1), NOW)


def test_w19_a_timeout_of_367_days_is_an_error() -> None:
    with pytest.raises(DurationError, match="'367d' is longer than 366 days"):
        deadline("367d", NOW)
