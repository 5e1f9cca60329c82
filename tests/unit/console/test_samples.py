"""Data of an event to begin with, as its event type declares them."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from pydantic import BaseModel

import tarry
from tarry_dev.console.samples import sample_of, samples_of


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Item:
    sku: str
    count: int = 1


@dataclass
class Order:
    id: int
    item: Item
    size: Size
    kind: Literal["new", "old"]
    note: str | None
    tags: list[str] = field(default_factory=list)
    total: float = 9.5


class Paid(BaseModel):
    id: int
    item: Item
    by: str = "card"


def test_a_sample_has_each_field_with_its_default_or_an_empty_value() -> None:
    assert sample_of(Order) == {
        "id": 0,
        "item": {"sku": "", "count": 1},
        "size": "s",
        "kind": "new",
        "note": None,
        "tags": [],
        "total": 9.5,
    }
    assert sample_of(Paid) == {"id": 0, "item": {"sku": "", "count": 1}, "by": "card"}


def test_a_type_that_cannot_be_read_gives_an_empty_form() -> None:
    assert sample_of(int) == {}


def test_the_triggers_of_an_app_give_its_samples() -> None:
    app = tarry.App("shop")
    typed = tarry.event_type("order/placed")(Item)
    app.create_function(fn_id="a", trigger=tarry.TriggerEvent(typed))(lambda ctx: None)
    app.create_function(fn_id="b", trigger=tarry.TriggerEvent("other"))(lambda ctx: None)
    assert samples_of(app) == {"order/placed": {"sku": "", "count": 1}}
