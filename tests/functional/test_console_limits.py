"""The limits of a function on the console: what the code says, what people have set, and how they set it."""

from typing import Any

import pytest

import tarry
from tarry_backend.runtime import runtime
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import Site, text_of

LIMITS = ("concurrency", "throttle", "rate_limit")


@pytest.fixture
def site(tarry_host: MakeHost) -> Site:
    app = tarry.App("shop")

    @app.create_function(
        fn_id="sell",
        trigger=tarry.TriggerEvent("sale/asked"),
        concurrency=tarry.Concurrency(5, key="event.data.shop"),
        throttle=tarry.Throttle(10, "1m", burst=2),
        rate_limit=tarry.RateLimit(1, "90m", key="event.data.user"),
    )
    async def sell(ctx: tarry.Context) -> None: ...

    @app.create_function(fn_id="list", trigger=tarry.TriggerEvent("list/asked"), pausable=True)
    async def list_all(ctx: tarry.Context) -> None: ...

    return Site.of(tarry_host(app))


def give(site: Site, limit: str, of: str, function: str = "sell") -> str:
    """Post the form; return the page that says why not, or the page of functions with what was done."""
    answer = site.post("/functions/control", "/functions", function=function, do="limit", of=of, limit=limit)
    return text_of(answer) if answer.status_code >= 400 else site.get("/functions").text


def test_a_function_shows_each_of_its_limits(site: Site) -> None:
    page = site.page("/functions")
    assert "at most 5 at work for each event.data.shop" in page
    assert "throttle: 10 runs in 1 m, 2 at once" in page
    assert "rate limit: 1 event in 1 h 30 m for each event.data.user" in page
    assert page.count("Set") == 3


@pytest.mark.parametrize("of", LIMITS)
def test_each_limit_is_replaced_and_given_back(site: Site, of: str) -> None:
    def now() -> dict[str, Any]:
        control = runtime().store.controls.of("sell")
        found = {"concurrency": control.limit, "throttle": control.throttle, "rate_limit": control.rate_limit}
        return {name: limit for name, limit in found.items() if limit is not None}

    page = give(site, "7", of)
    assert now() == {of: 7}
    option = "" if of == "concurrency" else f" of its {of}"
    assert page.count(">now 7<") == 1
    assert f"sell has the limit 7{option}." in page
    page = give(site, " ", of)
    assert now() == {}
    assert ">now " not in page
    assert f"sell has the limit of its code{option}." in page


def test_a_limit_that_the_function_does_not_have_is_refused(site: Site) -> None:
    for of in LIMITS:
        assert f"has no limit of {of}" in give(site, "7", of, function="list")
    assert "There is no limit of debounce." in give(site, "7", "debounce")


def test_a_limit_is_a_number_from_1_to_1000(site: Site) -> None:
    for limit in ("000010000", "0", "1001", "-1", "1.5", "many", "٣"):
        assert "from 1 to 1,000" in give(site, limit, "throttle")
    assert ">now " not in site.get("/functions").text
