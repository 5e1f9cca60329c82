"""Programs in Markdown, each with the tests that follow it, as a reader would copy them."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tarry_dev.pytest_plugin import MakeHost

__all__ = ["blocks", "load", "names_of_tests", "run_test"]


def blocks(page: Path) -> list[str]:
    """The page's Python, block by block."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def load(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the program the module ``shop``, until the test ends."""
    shop = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", shop)
    exec(compile(program, "shop.py", "exec"), vars(shop))


def names_of_tests(block: str) -> list[str]:
    """The names of a block's tests."""
    return re.findall(r"^def (test_\w+)", block, re.MULTILINE)


def run_test(test: str, name: str, tarry: MakeHost) -> None:
    """Runs one test of a block, which has that name, with the fixture ``tarry``."""
    names: dict[str, Any] = {}
    exec(compile(test, "test_shop.py", "exec"), names)
    names[name](tarry)
