"""The README's program and its test, as they stand there."""

import re
import sys
from types import ModuleType
from typing import Any

import pytest

from tarry_dev.pytest_plugin import MakeHost
from tests.functional.serving import ROOT


def test_the_readmes_program_passes_the_readmes_test(tarry: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    program, _, test, _ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shop = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", shop)
    exec(compile(program, "shop.py", "exec"), vars(shop))
    names: dict[str, Any] = {}
    exec(compile(test, "test_shop.py", "exec"), names)
    (run_test,) = (value for name, value in names.items() if name.startswith("test_"))
    run_test(tarry)
