"""An expression may use what the event's type has, and compare it with what it may equal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NewType

import pydantic
import pytest

from tarry import ExpressionError
from tarry._cel.checks import checked
from tarry._cel.event_fields import check_fields

BOTH = frozenset({"event", "async"})
Sku = NewType("Sku", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(Enum):
    HOME = (1, 2)


@dataclass
class Line:
    sku: Sku
    count: int


@dataclass
class Order:
    id: str
    total: float
    paid: bool
    lines: list[Line]
    customer_id: str | None = None
    labels: dict[str, int] = field(default_factory=dict)
    extra: Any = None
    colour: Colour = Colour.RED
    state: Literal["new", "old"] = "new"
    first: Line | None = None
    place: Place = Place.HOME
    mark: Literal[Colour.RED] | None = None
    parent: "Order | None" = None


class Customer(pydantic.BaseModel):
    name: str
    age: int
    email: str = pydantic.Field(alias="e-mail")


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str


class Turned(pydantic.BaseModel):
    name: str

    @pydantic.model_validator(mode="before")
    @classmethod
    def renamed(cls, data: Any) -> Any:
        return {"name": data["Name"]}


class Account(pydantic.BaseModel):
    owner: Customer
    tags: list[str]


def check(expression: str, kind: type[Any] | None = Order) -> None:
    check_fields(expression, checked(expression, BOTH), {"event": None, "async": kind})


def problem(expression: str, kind: type[Any] | None = Order) -> str:
    with pytest.raises(ExpressionError) as caught:
        check(expression, kind)
    assert caught.value.position is not None
    return caught.value.problem


def test_an_unknown_field_is_named_with_what_was_meant() -> None:
    assert problem("async.data.ID == '7'").startswith(
        "async.data is Order, which has no field 'ID' (did you mean 'id'?); it has colour, customer_id, "
    )
    assert "(did you mean 'customer_id'?)" in problem("async.data.customerId == '7'")
    assert "(did you mean 'total'?)" in problem("async.data['totl'] == 7.0")


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("has(async.data.ID)", "no field 'ID'"),
        ("async.data.lines[0].SKU == 'a'", "no field 'SKU' (did you mean 'sku'?)"),
        ("async.data.lines.exists(line, line.amount > 1)", "line is Line, which has no field 'amount'"),
        ("async.data.lines.filter(line, line.amount > 1).size() > 0", "no field 'amount'"),
        ("async.data.first.amount == 1", "no field 'amount'"),
        ("async.data.id.x == 1", "async.data.id is text, which has no field 'x'"),
        ("async.data.lines.sku == 'a'", "async.data.lines is a list, which has no field 'sku'"),
        ("async.dta.id == 'a'", "async is an event, which has no field 'dta' (did you mean 'data'?)"),
        ("event.Name == 'a'", "(did you mean 'name'?)"),
        ("true || async.data.ID == '7'", "no field 'ID'"),
    ],
)
def test_a_field_that_no_such_event_has_is_refused_wherever_it_stands(expression: str, part: str) -> None:
    assert part in problem(expression)


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("async.data.id == 7", "async.data.id is text and 7 is a number: they are never equal"),
        ("7 == async.data.id", "7 is a number and async.data.id is text: they are never equal"),
        ("async.data.total != '7'", "they are always unequal"),
        ("async.data.total > '7'", "they are without an order"),
        ("async.data.paid == 'true'", "async.data.paid is a boolean and 'true' is text"),
        ("async.data.customer_id == 7", "async.data.customer_id is null or text and 7 is a number"),
        ("async.data.id in [1, 2]", "the items of [1, 2] are a number: it is never in there"),
        ("7 in async.data.lines.map(line, line.sku) || async.data.id in async.data.labels.map(k, k.x)", "no field 'x'"),
        ("async.data.colour == 1", "is text and 1 is a number"),
        ("async.data.state == null", "is text and null is null"),
        ("async.data.lines == 'a'", "is a list and 'a' is text"),
        ("async.data.first == 'a'", "is an object or null and 'a' is text"),
        ("async.data.lines[0].count == '1'", "is a number and '1' is text"),
        ("async.data.labels.a == 'x'", "is a number and 'x' is text"),
        ("async.data.id == async.data.total", "they are never equal"),
        ("size(async.data.id) == 'a'", "they are never equal"),
    ],
)
def test_a_comparison_that_the_type_decides_is_refused(expression: str, part: str) -> None:
    assert part in problem(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.id == event.data.id && async.data.total == 7 && async.data.total > 7u",
        "async.data.customer_id == null || async.data.customer_id in ['a', null]",
        "async.data.labels.anything == 1 && async.data.extra.anything == 'x' && has(async.data.extra.b)",
        "async.data.lines.exists(line, line.sku == 'a' && line.count > 1)",
        "async.data.labels.exists(key, key == 'a') && async.user.anything == 1",
        "async.data.colour == 'red' && async.data.state == 'old' && async.data.first.sku == 'a'",
        "async.data.lines[0].sku == 'a' && async.data.lines == [] && async.data.paid == true",
        "event.data.whatever.there.is == 1",
        "async.data.place == [1, 2] && async.data.mark == 1 && async.data.parent.parent.id == 'a'",
    ],
)
def test_what_an_event_may_have_is_accepted(expression: str) -> None:
    check(expression)


def test_without_an_event_type_nothing_is_known_of_a_comparison() -> None:
    check("async.id == 1 || null == true || size(async.data.id) == 'a'", None)


def test_a_model_has_the_fields_of_its_aliases_and_converts_its_values() -> None:
    check("async.data['e-mail'] == 'a' && async.data.age == '7'", Customer)
    assert "no field 'email'" in problem("async.data.email == 'a'", Customer)
    assert "no field 'nme' (did you mean 'name'?)" in problem("async.data.owner.nme == 'a'", Account)
    check("async.data.tags.exists(tag, tag == 'a')", Account)


@pytest.mark.parametrize("kind", [Open, Turned, None, Mapping])
def test_a_type_that_takes_other_fields_too_has_all(kind: Any) -> None:
    check("async.data.Name == 1 && async.data.other.inner == 1", kind)
