"""What ``concurrency`` may be: everything else is refused where the function is created, with the reason."""

from typing import Any

import pytest

from tarry import App, Concurrency, Context, ExpressionError, UsageError


async def handler(ctx: Context) -> None:
    pass


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        (None, ()),
        (3, (Concurrency(3),)),
        (Concurrency(3, key="event.data.n"), (Concurrency(3, key="event.data.n"),)),
        ([10, Concurrency(1, key="event.data.n")], (Concurrency(10), Concurrency(1, key="event.data.n"))),
    ],
)
def test_a_number_a_limit_or_two_become_limits(given: Any, limits: tuple[Concurrency, ...]) -> None:
    function = App("shop").create_function(fn_id="ship", concurrency=given)(handler)
    assert function.concurrency == limits


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (0, "tarry pause"),
        (-1, "from 1 to 1,000"),
        (True, "give a whole number, a tarry.Concurrency"),
        (1_001, "from 1 to 1,000"),
        ("3", "give a whole number"),
        ([], "give a whole number"),
        ([1, Concurrency(2, key="event.data.n"), Concurrency(3, scope="app")], "at most two"),
        ([1, Concurrency(2)], "the smaller one decides"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_reason(given: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        App("shop").create_function(fn_id="ship", concurrency=given)
    assert "'ship'" in str(refused.value)


@pytest.mark.parametrize("scope", ["env", "account"])
def test_inngests_other_scopes_are_refused_by_name(scope: Any) -> None:
    with pytest.raises(UsageError, match=f"'{scope}'; a stack of Tarry is one app.*'app'"):
        Concurrency(3, scope=scope)


@pytest.mark.parametrize(("name", "value"), [("scope", "all"), ("hold", "always"), ("key", " "), ("key", 7)])
def test_values_that_nothing_means_are_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"{name} is {value!r}"):
        Concurrency(3, **{name: value})


def test_a_key_is_compiled_where_the_function_is_created() -> None:
    limits = [Concurrency(3), Concurrency(3, key="async.data.n")]
    with pytest.raises(ExpressionError, match=r"'ship'.*key of concurrency 2.*async"):
        App("shop").create_function(fn_id="ship", concurrency=limits)


def test_functions_that_share_a_limit_of_the_app_agree_on_it() -> None:
    app = App("shop")
    app.create_function(fn_id="ship", concurrency=Concurrency(3, scope="app"))(handler)
    app.create_function(fn_id="bill", concurrency=Concurrency(5))(handler)
    with pytest.raises(UsageError, match=r"'ship' and 'pack'.*limit=3.*limit=5"):
        app.create_function(fn_id="pack", concurrency=Concurrency(5, scope="app"))(handler)
