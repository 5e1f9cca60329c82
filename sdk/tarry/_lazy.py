"""Packages whose names load their modules at their first use."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["lazy_names"]


def lazy_names(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package that has these names, by the modules in which they are defined."""
    places = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name in places:
            value: object = getattr(importlib.import_module(places[name]), name)
        elif f"{package}.{name}" in modules:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    return load
