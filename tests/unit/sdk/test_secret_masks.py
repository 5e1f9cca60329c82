"""Secrets of pydantic's, which a model writes as a mask: Tarry stores and sends no mask in place of a value."""

from dataclasses import dataclass
from typing import Any

import pydantic
import pytest

from tarry import OutputError
from tarry._wire.jsonvalues import decode, encode

TOKEN = pydantic.SecretStr("tok_1")


class Card(pydantic.BaseModel):
    token: pydantic.SecretStr = TOKEN


class Shop(pydantic.BaseModel):
    note: str = "**********"
    key: pydantic.SecretBytes = pydantic.SecretBytes(b"")
    pin: pydantic.Secret[int] | None = None
    keys: dict[str, list[pydantic.SecretBytes]] = {}
    tokens: set[pydantic.SecretStr] = set()
    cards: tuple[Card, ...] = ()


@dataclass
class Order:
    card: Card


class Written(pydantic.BaseModel):
    token: pydantic.SecretStr = TOKEN
    note: str = "**********"

    @pydantic.field_serializer("token", when_used="json")
    def write(self, token: pydantic.SecretStr) -> str:
        return token.get_secret_value()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Card(), "it at token is a SecretStr"),
        ({"a": [Order(Card())]}, "it at a[0].card.token is a SecretStr"),
        (pydantic.RootModel[list[pydantic.SecretStr]]([TOKEN]), "it at [0] is a SecretStr"),
        (pydantic.RootModel[pydantic.SecretStr](TOKEN), "it is a SecretStr"),
        (Shop(pin=pydantic.Secret[int](7)), "it at pin is a Secret"),
        (Shop(keys={"a": [pydantic.SecretBytes(b"k")]}), "it at keys.a[0] is a SecretBytes"),
        (Shop(tokens={TOKEN}), "it at tokens is a SecretStr"),
        (Shop(cards=(Card(),)), "it at cards[0].token is a SecretStr"),
    ],
    ids=repr,
)
def test_a_secret_that_pydantic_masks_is_refused_and_the_error_names_its_place(value: Any, place: str) -> None:
    with pytest.raises(OutputError) as caught:
        encode(value, "it")
    assert f"{place}, which pydantic writes as **********, so its value would be lost" in str(caught.value).replace(
        "Secret[int]", "Secret"
    )
    assert "tok_1" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [Shop(), {"a": "**********"}, Card(token=pydantic.SecretStr("")), pydantic.RootModel[list[str]](["**********"])],
    ids=repr,
)
def test_a_text_of_stars_and_an_empty_secret_are_stored(value: Any) -> None:
    assert encode(value, "it")


def test_a_secret_that_its_model_writes_itself_is_stored() -> None:
    assert decode(encode(Written(), "it")) == {"token": "tok_1", "note": "**********"}
