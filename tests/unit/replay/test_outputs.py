"""R11: what may be an output, what it is kept as, and the errors of what may not."""

import functools
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple

import pydantic
import pytest

from tarry import Context, ContextSync
from tarry_backend.replay import Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of


@dataclass
class Item:
    sku: str
    amount: int


class Order(pydantic.BaseModel):
    items: list[Item]
    placed: datetime
    total: Decimal


class Place(NamedTuple):
    x: int
    y: int


class Size(StrEnum):
    SMALL = "small"


class Level(IntEnum):
    HIGH = 3


class Colour(Enum):
    RED = "red"


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = Order(items=[Item("a", 1)], placed=NOON, total=Decimal("9.90"))

KEPT = [
    pytest.param(None, None, id="none"),
    pytest.param(True, True, id="bool"),
    pytest.param(2**70, 2**70, id="large int"),
    pytest.param(0.1, 0.1, id="float"),
    pytest.param('"Ä" \n \u2028 😀', '"Ä" \n \u2028 😀', id="text"),
    pytest.param("\ud800", "\ud800", id="half a surrogate pair"),
    pytest.param({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, id="nested"),
    pytest.param((1, (2, 3)), [1, [2, 3]], id="tuple"),
    pytest.param(Place(1, 2), [1, 2], id="named tuple"),
    pytest.param(Item("a", 1), {"sku": "a", "amount": 1}, id="dataclass"),
    pytest.param({"items": [Item("a", 1)]}, {"items": [{"sku": "a", "amount": 1}]}, id="dataclass inside"),
    pytest.param(
        ORDER,
        {"items": [{"sku": "a", "amount": 1}], "placed": "2026-01-01T12:00:00Z", "total": "9.90"},
        id="pydantic model",
    ),
    pytest.param(Size.SMALL, "small", id="enum of texts"),
    pytest.param(Level.HIGH, 3, id="enum of numbers"),
]

ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)

REFUSED = [
    pytest.param(NOON, "a datetime", id="datetime"),
    pytest.param({"at": [NOON]}, "at at[0] is a datetime", id="datetime inside"),
    pytest.param(Decimal("9.90"), "a Decimal", id="decimal"),
    pytest.param(b"bytes", "a bytes", id="bytes"),
    pytest.param({1, 2}, "a set", id="set"),
    pytest.param(math.nan, "nan", id="nan"),
    pytest.param([1.0, -math.inf], "at [1] is -inf", id="infinity"),
    pytest.param({1: "one"}, "the key 1", id="key"),
    pytest.param(Colour.RED, "a Colour", id="enum"),
    pytest.param(object(), "object", id="object"),
    pytest.param(Item, "a type", id="class"),
    pytest.param(ENDLESS, "too deep", id="endless"),
    pytest.param(10**5000, "digits", id="endless int"),
]


@pytest.mark.parametrize(("value", "kept"), KEPT)
def test_r11_an_output_is_kept_and_comes_back_as_the_same_at_once_and_later(face: Face, value: Any, kept: Any) -> None:
    given: list[Any] = []

    async def ship(ctx: Context) -> Any:
        given.append(await ctx.step.run("make", lambda: value))
        return given[-1]

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == kept
    assert output_of(run.replay()) == kept
    assert given == [kept, kept]
    assert [type(one) for one in given] == [type(kept)] * 2


@pytest.mark.parametrize(("value", "named"), REFUSED)
def test_r11_what_json_does_not_know_fails_its_step_at_the_first_attempt(face: Face, value: Any, named: str) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("make", lambda: value)

    run = MemoryRun(durable(face(ship)))
    error = error_of(run.replay())
    assert error.name == "OutputError"
    assert "step 'make'" in error.message
    assert named in error.message
    assert run.step("make").status is Status.FAILED


@pytest.mark.parametrize(("value", "kept"), KEPT)
def test_r11_the_functions_own_output_is_kept_likewise(face: Face, value: Any, kept: Any) -> None:
    async def ship(ctx: Context) -> Any:
        return value

    assert output_of(MemoryRun(durable(face(ship))).replay()) == kept


@pytest.mark.parametrize(("value", "named"), REFUSED)
def test_r11_the_functions_own_output_is_refused_likewise(face: Face, value: Any, named: str) -> None:
    async def ship(ctx: Context) -> Any:
        return value

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "OutputError"
    assert "the function's output" in error.message
    assert named in error.message


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("text", ["x" * (4 * MEGABYTE), "ä" * (2 * MEGABYTE)], ids=["characters", "bytes"])
def test_an_output_over_4_mb_fails_its_step_and_the_error_names_the_limit(face: Face, text: str) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("make", lambda: text)

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "LimitError"
    assert "step 'make'" in error.message
    assert "4,194,304" in error.message


def test_the_functions_output_over_4_mb_fails_the_run(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        return "x" * (4 * MEGABYTE)

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "LimitError"
    assert "4,194,304" in error.message


def test_outputs_of_32_mb_together_are_the_most_also_over_several_invocations(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        for n in range(10):
            await ctx.step.run(f"make {n}", lambda: "x" * (4 * MEGABYTE - 100))
            if n == 3:
                await ctx.step.sleep("pause", "1m")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    error = error_of(run.wake_after("1m"))
    assert error.name == "LimitError"
    assert "step 'make 8'" in error.message
    assert "33,554,432" in error.message


def test_an_output_that_was_never_awaited_is_named_a_coroutine() -> None:
    async def parcel() -> str:
        return "parcel"

    def ship(ctx: ContextSync) -> Any:
        return {"parcel": parcel()}

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.message.startswith(
        "the function's output at parcel is a coroutine; await it first, in an `async def` ("
    )


def test_a_handler_behind_a_decorator_that_knows_nothing_of_async_is_awaited() -> None:
    async def ship(ctx: Context) -> str:
        return await ctx.step.run("ship", lambda: "parcel")

    @functools.wraps(ship)
    def traced(ctx: Context) -> Any:
        return ship(ctx)

    assert output_of(MemoryRun(durable(traced)).replay()) == "parcel"
