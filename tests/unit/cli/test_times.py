"""Times, spans and values as people read them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tarry_backend.api.documents import iso
from tarry_dev.cli.times import Calendar, compact, gist, span


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0 ms"),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1 s"),
        (1_250, "1.2 s"),
        (9_999, "10 s"),
        (12_345, "12 s"),
        (60_000, "1 m"),
        (125_000, "2 m 5 s"),
        (3_600_000, "1 h"),
        (3_601_000, "1 h"),
        (7_500_000, "2 h 5 m"),
        (3 * 86_400_000, "3 d"),
        (3 * 86_400_000 + 3_600_000, "3 d 1 h"),
    ],
)
def test_a_span_is_given_in_its_two_largest_units(milliseconds: int, text: str) -> None:
    assert span(milliseconds) == text


def test_a_calendar_says_no_more_of_the_date_than_is_needed() -> None:
    calendar = Calendar(at(2026, 1, 5, 12), UTC)
    assert calendar.at(at(2026, 1, 5, 9, 30)) == "09:30:00"
    assert calendar.at(at(2026, 1, 8, 9, 30)) == "8 Jan 09:30:00"
    assert calendar.at(at(2027, 1, 8, 9, 30)) == "8 Jan 2027 09:30:00"
    assert Calendar(calendar.today, UTC, dated=True).at(calendar.today) == "5 Jan 12:00:00"


def test_a_calendar_goes_by_its_time_zone() -> None:
    calendar = Calendar(at(2026, 1, 5, 12), timezone(timedelta(hours=13)))
    assert calendar.at(at(2026, 1, 5, 12)) == "01:00:00"
    assert calendar.at(at(2026, 1, 5, 10)) == "5 Jan 23:00:00"


def test_a_time_for_programs_is_exact_and_in_utc() -> None:
    assert iso(at(2026, 1, 5, 12) + 7) == "2026-01-05T12:00:00.007Z"
    assert iso(None) is None


@pytest.mark.parametrize(
    ("moment", "for_programs", "for_people"),
    [
        (at(9999, 12, 31), "9999-12-31T00:00:00.000Z", "31 Dec 9999 00:00:00"),
        (at(1, 1, 1), "0001-01-01T00:00:00.000Z", "1 Jan 0001 00:00:00"),
        (at(999, 2, 3), "0999-02-03T00:00:00.000Z", "3 Feb 0999 00:00:00"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z", "1 Jan +010000 00:00:00"),
        (10**17, "+3170843-11-07T09:46:40.000Z", "7 Nov +3170843 09:46:40"),
        (10**15 - 1, "+033658-09-27T01:46:39.999Z", "27 Sep +033658 01:46:39"),
        (-(10**15), "-029719-04-05T22:13:20.000Z", "5 Apr -029719 22:13:20"),
        (-62_135_596_800_001, "0000-12-31T23:59:59.999Z", "31 Dec 0000 23:59:59"),
    ],
)
def test_a_time_that_python_has_not_is_written_as_iso_8601_extends_it(
    moment: int, for_programs: str, for_people: str
) -> None:
    assert iso(moment) == for_programs
    assert Calendar(at(2026, 1, 5), UTC).at(moment) == for_people


@pytest.mark.parametrize("hours", [-23, 23])
@pytest.mark.parametrize("moment", [10**300, -(10**300), at(9999, 12, 31, 23), at(1, 1, 1), 253_402_300_799_999])
def test_no_time_raises_in_any_zone(moment: int, hours: int) -> None:
    calendar = Calendar(at(2026, 1, 5), timezone(timedelta(hours=hours)))
    assert calendar.at(moment)
    assert calendar.day(moment)
    assert iso(moment)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two\nlines", "two lines"),
        ({"id": 1, "name": "Ada"}, "1, Ada"),
        ({"user": {"id": 1, "mail": "a@b"}, "on": True}, "1, a@b, true"),
        ([1, "x"], '[1, "x"]'),
        (None, "null"),
        ({}, ""),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_a_gist_is_what_the_eye_needs(value: Any, text: str) -> None:
    assert gist(value, 20) == text


def test_compact_json_is_cut_where_it_is_too_long() -> None:
    assert compact({"a": "ä"}, 20) == '{"a": "ä"}'
    assert compact(list(range(100)), 10) == "[0, 1, 2,…"
