"""A row says of an item what PynamoDB's model says of it, and an item is stored as PynamoDB stores it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.exceptions import AttributeDeserializationError, AttributeNullError

from tarry_backend.store.lean_client import PLAIN
from tarry_backend.store.models import (
    AliasItem,
    CancelRequestItem,
    CursorItem,
    EventItem,
    Item,
    NameItem,
    RunItem,
    StepItem,
)
from tarry_backend.store.rows import row
from tarry_backend.store.start_items import ClaimItem, LimiterItem, TraceItem
from tarry_backend.store.table import Table

MODELS: list[type[Item]] = [
    *(Item, RunItem, StepItem, AliasItem, CancelRequestItem, EventItem, NameItem, ClaimItem, CursorItem),
    *(LimiterItem, TraceItem),
]

NUMBERS = ["0", "-0", "7", "-7", "1.5", "1E+3", "12345678901234567890123456789012345678", "-1E-128"]
CONTENTS: dict[str, Any] = {
    "S": st.one_of(st.just(""), st.text(max_size=5)),
    "N": st.sampled_from(NUMBERS),
    "B": st.binary(max_size=5),
    "M": st.dictionaries(
        st.text(min_size=1, max_size=3), st.text(max_size=3).map(lambda text: {"S": text}), max_size=3
    ),
}


def values(item: Item, model: type[Item]) -> dict[str, Any]:
    found = {name: getattr(item, name) for name in model.get_attributes()}
    return {name: value.as_dict() if hasattr(value, "as_dict") else value for name, value in found.items()}


def items(model: type[Item]) -> Any:
    attributes: dict[str, Attribute[Any]] = model.get_attributes()
    parts = {
        each.attr_name: st.one_of(
            CONTENTS[each.attr_type].map(lambda content, kind=each.attr_type: {kind: content}), st.just({"NULL": True})
        )
        for each in attributes.values()
    }
    return st.fixed_dictionaries(
        {"pk": CONTENTS["S"].map(lambda text: {"S": text}), "sk": st.just({"S": "x"})}
    ).flatmap(
        lambda keys: st.fixed_dictionaries({}, optional=parts).map(lambda more: {**more, **keys, "new": {"S": "s"}})
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_row_has_the_values_of_the_model(model: type[Item]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(items(model))
    def check(item: dict[str, Any]) -> None:
        by_pynamodb = values(model.from_raw_data(item), model)
        by_row = values(model.row(item), model)
        assert by_row == by_pynamodb
        assert [type(each) for each in by_row.values()] == [type(each) for each in by_pynamodb.values()]
        assert isinstance(model.row(item), model)

    check()


@pytest.mark.parametrize("model", [each for each in MODELS if each is not NameItem])
def test_a_row_of_ordinary_attributes_is_made_without_pynamodb(model: type[Item]) -> None:
    found = row(model, {"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert type(found) is not model
    assert isinstance(found, model)


def test_one_query_reads_a_run_with_all_its_parts() -> None:
    parts = {"run": RunItem, "step#a": StepItem, "wait#a#1": AliasItem, "stop": CancelRequestItem, "other": Item}
    for sk, model in parts.items():
        assert isinstance(Item.row({"pk": {"S": "a"}, "sk": {"S": sk}}), model)


def test_an_attribute_of_another_type_is_the_error_of_pynamodb() -> None:
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "kind": {"N": "1"}}
    for read in (StepItem.from_raw_data, StepItem.row):
        with pytest.raises(AttributeDeserializationError, match="kind"):
            read(item)


def test_a_row_cannot_be_written() -> None:
    found = StepItem.row({"pk": {"S": "a"}, "sk": {"S": "b"}})
    for write in (found.serialize, found.stored, lambda: setattr(found, "kind", "x")):
        with pytest.raises(TypeError, match="read-only"):
            write()


def made(model: type[Item], **more: Any) -> Item:
    def value(attribute: Attribute[Any]) -> Any:
        return {"S": "ä ☃", "N": 12, "B": b"\x00\xff", "M": None}[attribute.attr_type]

    attributes = model.get_attributes()
    return model(**{name: value(each) for name, each in attributes.items()} | more)


@pytest.mark.parametrize("model", MODELS)
def test_an_item_is_stored_as_pynamodb_stores_it(model: type[Item]) -> None:
    whole = made(model)
    assert whole.stored() == whole.serialize()
    least = made(model, **{name: None for name, each in model.get_attributes().items() if each.null})
    assert least.stored() == least.serialize()


@pytest.mark.parametrize("number", [0, -1, 1.5, 10**37, True, 1e300])
def test_a_number_is_stored_as_pynamodb_stores_it(number: Any) -> None:
    item = made(ClaimItem, received_at=number)
    assert item.stored() == item.serialize()


def test_an_item_that_lacks_a_value_is_the_error_of_pynamodb() -> None:
    item = StepItem("a", "b", kind="run")
    for write in (item.serialize, item.stored):
        with pytest.raises(AttributeNullError, match="cannot be None"):
            write()


def test_a_default_holds_for_a_row() -> None:
    assert StepItem.row({"pk": {"S": "a"}, "sk": {"S": "b"}}).attempt == 0


def test_the_environment_leaves_items_to_pynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAIN, "1")
    plain = Table("t")._reader(StepItem)({"pk": {"S": "a"}, "sk": {"S": "b"}})
    monkeypatch.delenv(PLAIN)
    lean = Table("t")._reader(StepItem)({"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert (type(plain), type(lean).__mro__[1]) == (StepItem, StepItem)
    assert isinstance(StepItem.kind, UnicodeAttribute)
