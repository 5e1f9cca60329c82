"""What may be written as ``cancel`` and ``timeouts``."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from tarry import App, Cancel, Context, DurationError, EventError, Timeouts, TriggerEvent, UsageError
from tarry.stepsync import StepSync


async def ship(ctx: Context) -> None: ...


def registered(**options: Any) -> Any:
    return App("shop").create_function(fn_id="ship", trigger=TriggerEvent("paid"), **options)(ship)


def test_one_cancel_or_up_to_five_are_taken() -> None:
    gone = Cancel("gone", if_exp="true")
    assert registered().cancels == ()
    assert registered(cancel=gone).cancels == (gone,)
    assert registered(cancel=[gone] * 5).cancels == (gone,) * 5
    with pytest.raises(UsageError, match="'ship' has 6 cancels; give at most 5"):
        registered(cancel=[gone] * 6)


@pytest.mark.parametrize("wrong", ["gone", [None], [TriggerEvent("gone")]], ids=repr)
def test_what_is_no_cancel_is_an_error_that_names_the_function(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"function 'ship': cancel is .*give a Cancel"):
        registered(cancel=wrong)


def test_a_cancel_has_if_exp_or_match_but_not_both_and_neither_empty() -> None:
    with pytest.raises(UsageError, match="give if_exp or match, not both"):
        Cancel("gone", if_exp="true", match="data.id")
    with pytest.raises(UsageError, match="match is '': give a string"):
        Cancel("gone", match="")
    with pytest.raises(EventError):
        Cancel("")


@pytest.mark.parametrize("wrong", [0, "-1s", timedelta(0), "367d", "soon", True], ids=repr)
def test_a_time_is_above_zero_and_at_most_366_days(wrong: Any) -> None:
    with pytest.raises(DurationError, match="cancel on 'gone': timeout"):
        Cancel("gone", timeout=wrong)
    with pytest.raises(DurationError, match="timeouts: start"):
        Timeouts(start=wrong)
    with pytest.raises(DurationError, match="timeouts: finish"):
        Timeouts(finish=wrong)


def test_what_are_no_timeouts_is_an_error_that_names_the_function() -> None:
    assert registered(timeouts=Timeouts(finish="1h")).timeouts == Timeouts(finish="1h")
    with pytest.raises(UsageError, match="function 'ship': timeouts is '1h'"):
        registered(timeouts="1h")


def test_step_ids_that_are_tarrys_own_are_refused() -> None:
    with pytest.raises(UsageError, match="'tarry/finish': ids that begin with 'tarry/'"):
        StepSync(Mock()).sleep("tarry/finish", 0)
