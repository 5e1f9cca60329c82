"""The errors: their tree, their texts."""

import inspect
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import tarry
from tarry import (
    DurationError,
    ExpressionError,
    RetryAfterError,
    SendError,
    StepError,
    Suspended,
    TarryError,
    errors,
    steperrors,
)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    path: list[str] = []
    drawn: dict[str, str] = {}
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        if found := re.match(r" {4}([│├└─ ]*)(\w+Error)\b", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = path[depth - 1] if depth else "Exception"
    names = (*errors.__all__, *steperrors.__all__)
    defined = {name: getattr(tarry, name) for name in names if name != "Suspended"}
    assert drawn == {name: error.__bases__[0].__name__ for name, error in defined.items()}


def test_a_suspension_is_no_exception_and_its_text_teaches() -> None:
    assert not issubclass(Suspended, Exception)
    assert "Write ``except Exception:`` instead" in (Suspended.__doc__ or "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StepError("pay", "OSError", "gone"), "step 'pay' failed: OSError: gone"),
        (
            SendError([("e1", "InternalFailure: oops"), ("e2", "Throttling: slow down")], total=25),
            "the bus refused 2 of 25 events: e1: InternalFailure: oops; e2: Throttling: slow down",
        ),
        (ExpressionError("a ==", "ends too early", 4), "expression 'a ==' at position 4: ends too early"),
        (ExpressionError("a", "is no boolean"), "expression 'a': is no boolean"),
    ],
)
def test_an_error_says_what_where_and_which(error: TarryError, text: str) -> None:
    assert str(error) == text


def test_a_retry_is_not_before_the_time_that_was_asked_for() -> None:
    now = 1_800_000_000_000
    at = datetime.fromtimestamp((now + 1_234) / 1000, UTC)
    assert RetryAfterError("busy", at).delay(now) == 1_234
    assert RetryAfterError("busy", at).delay(now + 5_000) == 0


@pytest.mark.parametrize(
    ("after", "delay"),
    [
        (120, 120_000),
        (0.5, 500),
        ("120", 120_000),
        (" 120 ", 120_000),
        ("1.5", 1_500),
        ("0", 0),
        (timedelta(minutes=2), 120_000),
        ("Fri, 15 Jan 2027 08:02:00 GMT", 120_000),
        ("Friday, 15-Jan-27 08:02:00 GMT", 120_000),
        ("Fri Jan 15 08:02:00 2027", 120_000),
        ("Fri, 15 Jan 2027 10:02:00 +0200", 120_000),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        (datetime(2027, 1, 15, 8, 2, tzinfo=UTC), 120_000),
        (-5, 0),
    ],
    ids=str,
)
def test_a_retry_takes_each_form_of_retry_after(after: float | str | timedelta | datetime, delay: int) -> None:
    assert RetryAfterError("busy", after).delay(1_800_000_000_000) == delay


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (1_768_464_000, r"looks like a Unix time; give datetime.fromtimestamp\(1768464000, UTC\)"),
        (1.7e9, r"datetime.fromtimestamp\(1700000000, UTC\)"),
        ("1768464000", r"datetime.fromtimestamp\(1768464000, UTC\)"),
        (1_768_464_000_000, r"datetime.fromtimestamp\(1768464000000 / 1000, UTC\)"),
        ("soon", "no Retry-After header: that is seconds"),
        ("", "no Retry-After header"),
        ("-5", "no Retry-After header"),
        ("120s", "no Retry-After header"),
        ("Wed, 99 Foo 2026 07:28:00 GMT", "no Retry-After header"),
        ("2026-10-21T07:28:00Z", "no Retry-After header"),
        (True, "True is no time"),
        (None, "None is no time"),
        (b"120", "is no time"),
        (datetime(2027, 1, 1), r"such as datetime.now\(UTC\), or name the zone that it is in: .replace\(tzinfo=UTC\)"),  # noqa: DTZ001
    ],
    ids=str,
)
def test_a_retry_at_no_time_says_what_to_write(after: Any, says: str) -> None:
    with pytest.raises(DurationError, match=says):
        RetryAfterError("busy", after)


def test_a_retry_at_a_time_without_a_zone_is_an_error() -> None:
    with pytest.raises(DurationError, match="aware datetime"):
        RetryAfterError("busy", datetime(2027, 1, 1))  # noqa: DTZ001
