"""Each pair of options is defined on the page, or refused where the function is created, with the reason."""

import re
from itertools import combinations
from typing import Any

import pytest

from tarry import (
    App,
    Batch,
    Cancel,
    Context,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerCron,
    TriggerEvent,
    UsageError,
)
from tarry._engine.combination import NEEDED, OPTIONS, REFUSED
from tests.unit.repository import ROOT

PAGE = (ROOT / "docs/reference/flow-control.md").read_text()

GIVEN: dict[str, dict[str, Any]] = {
    "cron": {"trigger": [TriggerEvent("placed"), TriggerCron("0 9 * * *")]},
    "cancel": {"cancel": Cancel("left", if_exp="async.data.n == 1")},
    "timeouts": {"timeouts": Timeouts(start="1m", finish="1h")},
    "idempotency": {"idempotency": "event.data.n"},
    "concurrency": {"concurrency": 3},
    "singleton": {"singleton": Singleton("cancel")},
    "rate_limit": {"rate_limit": RateLimit(3, "1m", key="event.data.n")},
    "throttle": {"throttle": Throttle(3, "1m", key="event.data.n")},
    "priority": {"priority": Priority("event.data.n")},
    "debounce": {"debounce": Debounce("10s", key="event.data.n")},
    "batch_events": {"batch_events": Batch(10, "10s", key="event.data.n")},
}
"""An example of each option."""

PAIRS = list(combinations(OPTIONS, 2))


def rows() -> list[tuple[tuple[str, str], str]]:
    """The pairs of the page, each with what it means."""
    found = re.findall(r"^\| (`\w+`) with ((?:`\w+`(?:, )?)+) \| (.+) \|$", PAGE, re.MULTILINE)
    return [
        ((first.strip("`"), second), meaning)
        for first, others, meaning in found
        for second in re.findall(r"\w+", others)
    ]


async def handler(ctx: Context) -> None:
    pass


def create(*options: str) -> None:
    """Create a function with these options, and with what they need."""
    needed = {needed for option, needed in NEEDED if option in options}
    given: dict[str, Any] = {"trigger": TriggerEvent("placed")}
    for option in {*options, *needed}:
        given |= GIVEN[option]
    App("shop").create_function(fn_id="ship", **given)(handler)


def test_the_page_has_each_pair_once() -> None:
    assert sorted(tuple(sorted(pair)) for pair, _ in rows()) == sorted(tuple(sorted(pair)) for pair in PAIRS)
    assert set(GIVEN) == set(OPTIONS)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in REFUSED])
def test_a_lawful_pair_can_be_created(pair: tuple[str, str]) -> None:
    create(*pair)
    meaning = next(meaning for options, meaning in rows() if set(options) == set(pair))
    assert not meaning.startswith("Refused")


@pytest.mark.parametrize("pair", REFUSED)
def test_a_pair_that_does_not_go_together_is_refused_with_the_pages_reason_and_the_users_line(
    pair: tuple[str, str],
) -> None:
    with pytest.raises(
        UsageError, match=r"'ship' \(.*test_combinations.py, line \d+\): .*do not go together"
    ) as refused:
        create(*pair)
    assert REFUSED[pair] in str(refused.value)
    meaning = next(meaning for options, meaning in rows() if set(options) == set(pair))
    assert meaning.replace("`", "").startswith(f"Refused: {REFUSED[pair]}")


@pytest.mark.parametrize(("option", "needed"), NEEDED)
def test_an_option_without_what_it_needs_is_refused_with_the_reason(option: str, needed: str) -> None:
    with pytest.raises(UsageError, match=rf"'ship' \(.*line \d+\): {option} needs {needed}: ") as refused:
        App("shop").create_function(fn_id="ship", **GIVEN[option])
    assert NEEDED[option, needed] in str(refused.value)
