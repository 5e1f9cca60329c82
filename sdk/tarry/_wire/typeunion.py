"""The hook by which cattrs reads a union: which of its kinds a value is."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from tarry._wire.typehints import hints_of
from tarry._wire.typehooks import NAMES, generic_of, is_record, unlike
from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cattrs import Converter

__all__ = ["union_hook"]


def union_hook(kind: Any, converter: Converter) -> Any:
    """The first kind that fits. Of several records, the one whose fields are most like the value's is tried first.

    Else a class whose fields all have defaults would take the values of any other: unknown keys are ignored.
    """
    kinds = [each for each in get_args(kind) if each is not types.NoneType]
    is_optional = len(kinds) < len(get_args(kind))
    named = {each: names for each in kinds if (names := _field_names(each)) is not None}
    _check_distinct(named)

    def hook(value: Any, _: Any) -> Any:
        if value is None and is_optional:
            return None
        if len(kinds) == 1:
            return converter.structure(value, kinds[0])
        keys = set(value) if isinstance(value, dict) else set()
        for each in sorted(kinds, key=lambda one: len(named[one] ^ keys) if one in named else -1):
            try:
                return converter.structure(value, each)
            except UsageError:
                raise
            except Exception:  # whatever a class of user code raises: it is not this one
                continue
        return unlike(value, " or ".join(NAMES.get(each) or str(getattr(each, "__name__", each)) for each in kinds))

    return hook


def _field_names(kind: Any) -> frozenset[str] | None:
    base = generic_of(kind)
    if is_record(base):
        return frozenset(hints_of(base))
    fields = getattr(base, "model_fields", None)  # of a pydantic model
    return None if fields is None else frozenset(fields)


def _check_distinct(named: Mapping[Any, frozenset[str]]) -> None:
    """Two records of the same fields can be told apart only by a field that is a ``Literal`` or an enum."""
    seen: dict[frozenset[str], Any] = {}
    for kind, names in named.items():
        other = seen.setdefault(names, kind)
        if other is not kind and not any(get_origin(hint) is Literal for hint in hints_of(generic_of(kind)).values()):
            raise UsageError(
                f"{other.__name__} and {kind.__name__} have the same fields, so a stored value cannot tell which of "
                f"them it is: give each a field such as kind: Literal[{kind.__name__.lower()!r}]"
            )
