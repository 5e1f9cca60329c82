"""Values as JSON. What becomes of each type is held by the tests of outputs; here, the places in the errors."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarry import OutputError
from tarry._wire.jsonvalues import decode, encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(derandomize=True)
@given(json_values)
def test_what_is_json_comes_back_as_it_was(value: Any) -> None:
    assert decode(encode(value, "it")) == value


@dataclass
class Box:
    content: object


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", "it is a bytes, which is not JSON"),
        ({"a": [0, {"b": b""}]}, "it at a[1].b is a bytes"),
        (Box([Box(math.nan)]), "it at content[0].content is nan, which JSON does not allow"),
        ({"a": {(1, 2): 3}}, "it at a has the key (1, 2); JSON keys must be strings"),
        ([{1}], "it at [0] is a set"),
        (Box, "it is a type"),
    ],
    ids=str,
)
def test_the_error_names_the_place(value: object, text: str) -> None:
    with pytest.raises(OutputError) as caught:
        encode(value, "it")
    assert text in str(caught.value)


def test_text_is_kept_compact_and_as_it_is_written() -> None:
    assert encode({"größe": [1, "😀"]}, "it") == '{"größe":[1,"😀"]}'


def test_what_is_nested_a_hundred_times_is_fine_and_what_contains_itself_is_an_error() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    assert decode(encode(deep, "it")) == deep
    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(OutputError, match="contains itself"):
        encode(endless, "it")


class Sick:
    def model_dump(self, mode: str) -> object:
        raise ValueError(f"cannot be dumped to {mode}")


def test_a_model_that_cannot_be_dumped_is_an_error_with_its_reason() -> None:
    with pytest.raises(OutputError, match="it cannot be written as JSON: cannot be dumped to json"):
        encode(Sick(), "it")
