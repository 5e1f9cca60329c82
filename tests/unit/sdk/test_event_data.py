"""An event's data as an instance of its type: what fits, and what is said of what does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, TypedDict

import pydantic
import pytest

from tarry import Event, EventDataError, NonRetriableError, UsageError
from tarry._wire.eventdata import given


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Item:
    sku: str
    count: int = 1


class Price(pydantic.BaseModel):
    amount: float
    currency: str


class Label(TypedDict):
    text: str


Sku = NewType("Sku", str)


@dataclass
class Tree:
    children: "list[Tree]"


def of_kind(kind: Any) -> Any:
    """A dataclass with one field of that kind."""

    class Kind:
        x: Any

    Kind.__annotations__ = {"x": kind}
    return dataclass(Kind)


def event(data: Any) -> Event:
    return Event("order/paid", data, id="e1", ts=0)


def problems(data: Any, kind: type[Any]) -> dict[str, str]:
    """What is wrong, by the place at which it is."""
    with pytest.raises(EventDataError) as caught:
        given(event(data), kind)
    return dict(caught.value.problems)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (str, "a", "a"),
        (int, 7, 7),
        (float, 7, 7),
        (float, 7.5, 7.5),
        (bool, True, True),
        (None, None, None),
        (Any, {"a": [1]}, {"a": [1]}),
        (object, [1], [1]),
        (int | None, None, None),
        (int | str, "a", "a"),
        (Item, {"sku": "a"}, Item("a")),
        (Item, {"sku": "a", "count": 2, "unknown": [1]}, Item("a", 2)),
        (Item | None, {"sku": "a"}, Item("a")),
        (list[Item], [{"sku": "a"}, {"sku": "b", "count": 2}], [Item("a"), Item("b", 2)]),
        (list, [1, "a"], [1, "a"]),
        (Sequence[int], [1, 2], [1, 2]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple, [1], (1,)),
        (dict[str, Item], {"one": {"sku": "a"}}, {"one": Item("a")}),
        (dict, {"a": 1}, {"a": 1}),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (Literal["a", 1], 1, 1),
        (Size, "small", Size.SMALL),
        (Level, 3, Level.HIGH),
        (Annotated[int, "of pieces"], 7, 7),
        (Sku, "a", "a"),
        (Label, {"text": "a"}, {"text": "a"}),
        (datetime, "2026-01-01T12:00:00Z", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (Price, {"amount": 7, "currency": "EUR"}, Price(amount=7, currency="EUR")),
        (int | list[Item], [{"sku": "a"}], [Item("a")]),
        (Tree, {"children": [{"children": []}]}, Tree([Tree([])])),
    ],
    ids=repr,
)
def test_what_fits_is_read(kind: Any, value: Any, read: Any) -> None:
    found = given(event({"x": value}), of_kind(kind)).x
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("kind", "value", "place", "problem"),
    [
        (str, 7, "data.x", "expected text, found a whole number"),
        (int, "7", "data.x", "expected a whole number, found text"),
        (int, 7.0, "data.x", "expected a whole number, found a number"),
        (int, True, "data.x", "expected a whole number, found a boolean"),
        (float, True, "data.x", "expected a number, found a boolean"),
        (bool, 1, "data.x", "expected a boolean, found a whole number"),
        (str, None, "data.x", "expected text, found null"),
        (int | None, "7", "data.x", "expected a whole number, found text"),
        (int | Item, "7", "data.x", "expected a whole number or Item, found text"),
        (Item, [], "data.x", "expected an object, found a list"),
        (Item, {}, "data.x.sku", "missing"),
        (Item | None, {"sku": 7}, "data.x.sku", "expected text, found a whole number"),
        (list[Item], [{"sku": "a"}, {"sku": None}], "data.x[1].sku", "expected text, found null"),
        (list[int], {}, "data.x", "expected a list, found an object"),
        (tuple[int, str], [1], "data.x", "expected 2 items, found 1"),
        (dict[str, int], {"a": "b"}, "data.x.a", "expected a whole number, found text"),
        (dict[str, int], [], "data.x", "expected an object, found a list"),
        (Literal["a", 1], True, "data.x", "expected one of 'a', 1"),
        (Size, "tiny", "data.x", "expected one of 'small', 'large'"),
        (Label, {"text": 7}, "data.x.text", "expected text, found a whole number"),
        (datetime, 7, "data.x", "expected datetime, found a whole number"),
        (datetime, "noon", "data.x", "expected datetime, found 'noon'"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_named_with_its_place(kind: Any, value: Any, place: str, problem: str) -> None:
    assert problems({"x": value}, of_kind(kind)) == {place: problem}


def test_all_that_is_wrong_is_named_at_once() -> None:
    @dataclass
    class Paid:
        order: int
        total: float
        note: str = ""

    assert problems({"order": "7", "note": None}, Paid) == {
        "data.order": "expected a whole number, found text",
        "data.total": "missing",
        "data.note": "expected text, found null",
    }


def test_the_error_names_event_type_field_and_problem_and_is_final() -> None:
    with pytest.raises(EventDataError) as caught:
        given(event({}), Item)
    assert str(caught.value) == "event 'order/paid' (e1) does not fit type Item: data.sku: missing"
    assert (caught.value.event_name, caught.value.event_id) == ("order/paid", "e1")
    assert isinstance(caught.value, NonRetriableError)
    assert not isinstance(caught.value, UsageError)


def test_what_a_dataclass_finds_wrong_itself_is_a_problem_of_the_data() -> None:
    @dataclass
    class Paid:
        total: float

        def __post_init__(self) -> None:
            if self.total <= 0:
                raise ValueError("a total is positive")

    assert problems({"total": 0}, Paid) == {"data": "ValueError: a total is positive"}
    assert given(event({"total": 1}), Paid) == Paid(1)


def test_a_field_that_is_not_given_to_the_dataclass_is_not_asked_for() -> None:
    @dataclass
    class Paid:
        total: float
        lines: list[str] = field(default_factory=list)
        tax: float = field(init=False)

        def __post_init__(self) -> None:
            self.tax = self.total / 5

    assert given(event({"total": 10, "tax": 99}), Paid).tax == 2


def test_a_model_says_itself_what_is_wrong_and_where() -> None:
    class Order(pydantic.BaseModel):
        prices: list[Price]

    found = problems({"prices": [{"amount": "much", "currency": "EUR"}]}, Order)
    assert list(found) == ["data.prices[0].amount"]
    assert "valid number" in found["data.prices[0].amount"]


def test_a_strict_model_reads_what_json_can_only_write_as_text() -> None:
    class Order(pydantic.BaseModel, strict=True):
        placed: datetime

    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert given(event({"placed": "2026-01-01T12:00:00Z"}), Order).placed == noon


def test_an_annotation_that_cannot_be_found_is_an_error_that_names_it() -> None:
    @dataclass
    class Paid:
        item: "Nowhere"  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(UsageError, match=r"Paid.*'Nowhere'.*top of the module"):
        given(event({"item": 1}), Paid)


def test_what_is_asked_for_by_name_is_given_as_it_is() -> None:
    assert given(event({"x": 1}), "order/paid") == event({"x": 1})
