"""The annotations of declared types."""

from __future__ import annotations

from typing import Any, get_type_hints

from tarry.errors import UsageError

__all__ = ["hints_of"]


def hints_of(kind: Any) -> dict[str, Any]:
    """Return a type's annotations by the names of its fields.

    Raises:
        UsageError: Its module does not define a name that they use.
    """
    try:
        return get_type_hints(kind)
    except NameError as error:
        raise UsageError(
            f"type {kind.__name__}: its annotations use {error.name!r}, which its module does not define: "
            "define it at the top of the module"
        ) from None
