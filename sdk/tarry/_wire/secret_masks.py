"""Secrets of pydantic's: a model writes each of them as a mask, so its value would be lost."""

from __future__ import annotations

import dataclasses
from typing import Any

from tarry._wire.limits import MASK

__all__ = ["masked_place"]


def masked_place(value: object) -> tuple[str, str] | None:
    """Return place and type of the first secret that a model in the value masks; ``None`` if there is none.

    A model that writes its secrets itself masks none (``field_serializer``).
    """
    if isinstance(value, dict):
        return _first((f".{key}", masked_place(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return _first((f"[{index}]", masked_place(each)) for index, each in enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _first((f".{each.name}", masked_place(getattr(value, each.name))) for each in dataclasses.fields(value))
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return _masked(dump(mode="python"), dump(mode="json"))
    return None


def _masked(value: Any, written: Any) -> tuple[str, str] | None:
    """The same for a value of a model, and what the model writes for it: it has the same fields in the same order."""
    if written == MASK:
        return ("", type(value).__name__) if hasattr(value, "get_secret_value") else None
    if isinstance(value, dict) and isinstance(written, dict):
        pairs = zip(value.values(), written.items(), strict=False)
        return _first((f".{key}", _masked(each, form)) for each, (key, form) in pairs)
    if isinstance(value, set | frozenset) and isinstance(written, list):
        return next((found for each in value if (found := _masked(each, MASK)) and MASK in written), None)
    if isinstance(value, list | tuple) and isinstance(written, list):
        pairs = zip(value, written, strict=False)
        return _first((f"[{index}]", _masked(each, form)) for index, (each, form) in enumerate(pairs))
    return None


def _first(places: Any) -> tuple[str, str] | None:
    return next(((step + found[0], found[1]) for step, found in places if found), None)
