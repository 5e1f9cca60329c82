"""One rule for options that are a number of things: a whole number, within the option's limits, and nothing alike."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tarry import App, Batch, Concurrency, RateLimit, Throttle, TriggerEvent
from tarry._engine.step_options import StepOptions
from tarry._engine.whole_number import is_whole
from tarry.encryption import Encryption, KmsKey
from tarry.errors import UsageError
from tarry_infra.concurrency import within
from tarry_infra.environment import checked_tuning
from tarry_infra.functions import Capacity


class Alike:
    """As numpy's integers: no ``int``, and compared as one."""

    def __le__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "np.int64(2)"


ALIKE = [True, Alike(), Decimal(2), float("nan"), float("inf"), 2.0, 2.5, "2", -1, 10**30]


def declared(**options: Any) -> None:
    app = App("shop")

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), **options)
    async def order(ctx: object) -> None: ...


OPTIONS: dict[str, Callable[[Any], object]] = {
    "retries": lambda value: declared(retries=value),
    "concurrency": lambda value: declared(concurrency=value),
    "limit of Concurrency": Concurrency,
    "limit of Throttle": lambda value: Throttle(value, "1m"),
    "burst of Throttle": lambda value: Throttle(2, "1m", burst=value),
    "limit of RateLimit": lambda value: RateLimit(value, "1m"),
    "max_size of Batch": lambda value: Batch(value, "1m"),
    "retries of a step": lambda value: StepOptions(retries=value),
    "max_messages of Encryption": lambda value: Encryption(
        KmsKey("arn:aws:kms:eu-central-1:123456789012:key/1"), max_messages=value
    ),
    "account_concurrency of a stack": lambda value: within(value, Capacity(memory=512, timeout=60)),
    "log_days of a stack": lambda value: checked_tuning({"log_days": value}),
}
UNBOUNDED = ("account_concurrency of a stack", "log_days of a stack")


@pytest.mark.parametrize("value", ALIKE, ids=repr)
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_is_a_number_of_things_refuses_what_is_only_like_one(option: str, value: Any) -> None:
    if value == 10**30 and option in UNBOUNDED:
        return
    with pytest.raises(UsageError) as refused:
        OPTIONS[option](value)
    assert repr(value) in str(refused.value)
    assert "whole number" in str(refused.value)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_takes_the_whole_number(option: str) -> None:
    OPTIONS[option](10)


def test_limits_belong_to_the_whole_numbers() -> None:
    assert [is_whole(value, 1, 3) for value in (0, 1, 3, 4)] == [False, True, True, False]
    assert is_whole(10**30, 1)


def test_a_number_that_the_stack_does_not_have_is_named() -> None:
    with pytest.raises(UsageError, match=r"tuning has no 'log_day': its numbers are settle_seconds, log_days"):
        checked_tuning({"log_day": 3})  # type: ignore[arg-type]


@pytest.mark.parametrize("backoff", ["15s", b"15s", 15, 2.5, True, {"15s"}], ids=repr)
def test_pauses_that_are_no_list_are_named(backoff: Any) -> None:
    for refused in (lambda: declared(backoff=backoff), lambda: StepOptions(backoff=backoff)):
        with pytest.raises(UsageError, match=r"backoff.*give a list of pauses, such as \['15s'\]"):
            refused()
