"""The kinds of wait that are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FAN_OUT", "KINDS", "Kind"]

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """Waits with one expression, numbered from 0.

    ``trigger`` is what started the run of a number, ``incoming`` an event that matches its wait. ``is_flat`` says
    what is claimed: that an event costs the same however many waits are open.
    """

    name: str
    expression: str
    trigger: Callable[[int], Data]
    incoming: Callable[[int], Data]
    is_flat: bool = True


_COUNTRIES = ("CH", "DE", "FR", "IT", "JP")


def _order(number: int) -> dict[str, Any]:
    return {"order": f"order-{number}"}


def _order_and_country(number: int) -> Data:
    return {**_order(number), "country": _COUNTRIES[number % len(_COUNTRIES)]}


KINDS = (
    Kind("one unique equality", "async.data.order == event.data.order", _order, _order),
    Kind(
        "equality and a shared field",
        "async.data.order == event.data.order && async.data.country == event.data.country",
        _order_and_country,
        _order_and_country,
    ),
    Kind(
        "equality and a range",
        "async.data.order == event.data.order && async.data.total >= event.data.total",
        lambda number: {**_order(number), "total": number % 1000},
        lambda number: {**_order(number), "total": number % 1000 + 1},
    ),
    Kind(
        "no equality",
        "async.data.low < event.data.price && async.data.high > event.data.price",
        lambda number: {"price": number},
        lambda number: {"low": number - 0.5, "high": number + 0.5},
        is_flat=False,
    ),
)
"""Each event matches one wait."""

FAN_OUT = Kind(
    "all by one event",
    "async.data.sale == event.data.sale",
    lambda _: {"sale": "winter"},
    lambda _: {"sale": "winter"},
    is_flat=False,
)
"""One event matches every wait."""
