"""``TriggerCron``: what a cron means, and what is wrong with one that means nothing."""

from datetime import date

import pytest

from tarry import DurationError, TriggerCron, UsageError
from tarry.cron import Cron

ALL_MONTHS = tuple(range(1, 13))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("*", tuple(range(60))),
        ("0", (0,)),
        ("59", (59,)),
        ("07", (7,)),
        ("1-4", (1, 2, 3, 4)),
        ("4-4", (4,)),
        ("*/20", (0, 20, 40)),
        ("*/59", (0, 59)),
        ("*/60", (0,)),
        ("50/5", (50, 55)),
        ("10-20/5", (10, 15, 20)),
        ("10-19/5", (10, 15)),
        ("30,0,15-16,15", (0, 15, 16, 30)),
        ("*/30,45", (0, 30, 45)),
    ],
)
def test_a_field_is_all_a_value_a_range_a_step_or_several_of_these(field: str, values: tuple[int, ...]) -> None:
    assert Cron.parse(f"{field} 0 * * *").minutes == values


@pytest.mark.parametrize(
    ("cron", "months", "weekdays"),
    [
        ("0 9 * JAN *", (1,), None),
        ("0 9 * jan,Dec *", (1, 12), None),
        ("0 9 * MAR-may *", (3, 4, 5), None),
        ("0 9 * 6-AUG *", (6, 7, 8), None),
        ("0 9 * * MON-FRI", ALL_MONTHS, (1, 2, 3, 4, 5)),
        ("0 9 * * sun", ALL_MONTHS, (0,)),
        ("0 9 * * 0", ALL_MONTHS, (0,)),
        ("0 9 * * 7", ALL_MONTHS, (0,)),
        ("0 9 * * 5-7", ALL_MONTHS, (0, 5, 6)),
        ("0 9 * * 0-7", ALL_MONTHS, (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_months_and_weekdays_have_names_and_sunday_two_numbers(
    cron: str, months: tuple[int, ...], weekdays: tuple[int, ...] | None
) -> None:
    read = Cron.parse(cron)
    assert (read.months, read.weekdays) == (months, weekdays)


def test_the_fields_stand_in_the_order_of_unix_whatever_blanks_are_between() -> None:
    assert Cron.parse("  1  2\t3 4 5 ") == Cron((1,), (2,), (3,), (4,), (5,))


@pytest.mark.parametrize(
    ("cron", "meant", "not_meant"),
    [
        ("0 9 * * *", [date(2026, 1, 1), date(2028, 2, 29)], []),
        ("0 9 31 * *", [date(2026, 1, 31)], [date(2026, 1, 30), date(2026, 2, 28)]),
        ("0 9 29 2 *", [date(2028, 2, 29)], [date(2026, 3, 1), date(2026, 2, 28)]),
        ("0 9 * * SUN", [date(2026, 1, 4)], [date(2026, 1, 3), date(2026, 1, 5)]),
        ("0 9 9 * FRI", [date(2026, 1, 9), date(2026, 1, 2), date(2026, 2, 9)], [date(2026, 1, 8), date(2026, 1, 10)]),
        ("0 9 9 1 FRI", [date(2026, 1, 9), date(2026, 1, 2)], [date(2026, 2, 9), date(2026, 2, 6)]),
    ],
)
def test_a_day_is_meant_by_its_month_and_by_either_day_where_both_are_given(
    cron: str, meant: list[date], not_meant: list[date]
) -> None:
    read = Cron.parse(cron)
    assert [day for day in meant if not read.on(day)] == []
    assert [day for day in not_meant if read.on(day)] == []


@pytest.mark.parametrize(
    ("cron", "field", "value", "takes"),
    [
        ("60 9 * * *", "minute", "60", "0 to 59"),
        ("-1 9 * * *", "minute", "-1", "0 to 59"),
        ("1.5 9 * * *", "minute", "1.5", "0 to 59"),
        ("5, 9 * * *", "minute", "5,", "0 to 59"),
        ("*/0 9 * * *", "minute", "*/0", "0 to 59"),
        ("*/ 9 * * *", "minute", "*/", "0 to 59"),
        ("*/90 * * * *", "minute", "*/90", "0 to 59"),  # would come each hour
        ("0 */36 * * *", "hour", "*/36", "0 to 23"),
        ("20-10 9 * * *", "minute", "20-10", "0 to 59"),
        ("1,2,60 9 * * *", "minute", "1,2,60", "0 to 59"),
        ("٣ 9 * * *", "minute", "٣", "0 to 59"),
        ("0 24 * * *", "hour", "24", "0 to 23"),
        ("0 9-24 * * *", "hour", "9-24", "0 to 23"),
        ("0 9 0 * *", "day of the month", "0", "1 to 31"),
        ("0 9 32 * *", "day of the month", "32", "1 to 31"),
        ("0 9 L * *", "day of the month", "L", "1 to 31"),
        ("0 9 ? * *", "day of the month", r"\?", "1 to 31"),
        ("0 9 MON * *", "day of the month", "MON", "1 to 31"),
        ("0 9 * 0 *", "month", "0", "1 to 12 or JAN to DEC"),
        ("0 9 * 13 *", "month", "13", "1 to 12 or JAN to DEC"),
        ("0 9 * MON *", "month", "MON", "1 to 12 or JAN to DEC"),
        ("0 9 * DEC-JAN *", "month", "DEC-JAN", "1 to 12 or JAN to DEC"),
        ("0 9 * * 8", "day of the week", "8", "0 to 7 or SUN to SAT"),
        ("0 9 * * MO", "day of the week", "MO", "0 to 7 or SUN to SAT"),
        ("0 9 * * MON#2", "day of the week", "MON#2", "0 to 7 or SUN to SAT"),
        ("0 9 * * FRI-MON", "day of the week", "FRI-MON", "0 to 7 or SUN to SAT"),
    ],
)
def test_an_error_names_the_cron_the_field_its_value_and_what_it_takes(
    cron: str, field: str, value: str, takes: str
) -> None:
    value = value.replace("*", r"\*")
    with pytest.raises(UsageError, match=rf"^cron '.*': its {field} is '{value}': give {takes}, as \*"):
        TriggerCron(cron)


@pytest.mark.parametrize("cron", ["", "0 9 * *", "0 9 * * * *", "@daily", None, 7])
def test_a_cron_has_five_fields(cron: str) -> None:
    with pytest.raises(UsageError, match="give five fields: minute, hour, day of the month, month, day of the week"):
        TriggerCron(cron)


@pytest.mark.parametrize(
    ("day", "month"), [("30", "2"), ("31", "FEB"), ("31", "4"), ("31", "2,4,6,9,11"), ("30-31", "2")]
)
def test_a_cron_that_never_comes_is_an_error(day: str, month: str) -> None:
    with pytest.raises(UsageError, match=f"none of its months has a day {day[:2]}, so it never fires"):
        TriggerCron(f"0 9 {day} {month} *")


@pytest.mark.parametrize("cron", ["0 9 29 2 *", "0 9 31 2,3 *", "0 9 30,29 2 *", "0 9 31 2 MON"])
def test_a_cron_that_comes_at_all_is_none(cron: str) -> None:
    assert TriggerCron(cron).times.months


@pytest.mark.parametrize("cron", ["0 9 */2 * MON", "0 9 1 * */2"])
def test_both_days_are_not_given_by_steps_of_all_which_some_crons_read_otherwise(cron: str) -> None:
    with pytest.raises(UsageError, match="list the days"):
        TriggerCron(cron)


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "", "CEST+2x", "../etc/passwd", None, 7, "localtime", "Factory", "posix/Asia/Tokyo", "right/UTC"],
)
def test_a_time_zone_is_a_name_of_the_ianas(zone: str) -> None:
    with pytest.raises(UsageError, match=r"timezone .* is unknown: .* 'Europe/Berlin'"):
        TriggerCron("0 9 * * *", zone)


@pytest.mark.parametrize(("jitter", "minutes"), [(None, 0), ("1m", 1), ("15m", 15), ("24h", 1_440), (60_000, 1)])
def test_jitter_is_whole_minutes_up_to_a_day(jitter: str | int | None, minutes: int) -> None:
    assert TriggerCron("0 9 * * *", jitter=jitter).window == minutes


@pytest.mark.parametrize("jitter", ["0m", "30s", "90s", "1441m", "2d", 0])
def test_another_jitter_is_an_error(jitter: str | int) -> None:
    with pytest.raises(UsageError, match="give whole minutes, from '1m' to '24h'"):
        TriggerCron("0 9 * * *", jitter=jitter)


def test_jitter_that_is_no_time_is_an_error_of_its_own() -> None:
    with pytest.raises(DurationError):
        TriggerCron("0 9 * * *", jitter="soon")
