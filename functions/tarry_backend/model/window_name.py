"""The name of a window: which events a debounce, or a batch, gathers together."""

from __future__ import annotations

from tarry_backend.model.shared_key import SHARED

__all__ = ["function_of_window", "window_name"]


def window_name(function_id: str, value: str = SHARED) -> str:
    """Return the name of the function's window for that value of the option's key. Without a key, there is one window.

    A value is a hash. The function's id is last: it may have any characters.
    """
    return f"{value}#{function_id}"


def function_of_window(name: str) -> str:
    """Return the id of the function for which the window gathers events."""
    return name.partition("#")[2]
