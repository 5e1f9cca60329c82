"""What the tests need while mutmut runs them. ``python -m tests.mutants`` copies it to where they are run."""

import sys
from collections.abc import Generator

import pytest

sys.setrecursionlimit(4000)  # mutmut puts frames of its own between each function and its caller


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> Generator[None, object, object]:
    """Number a test's cases: mutmut names them on a command line, where not every id of ours can be read."""
    made = yield
    for place, item in enumerate(made if isinstance(made, list) else []):
        if isinstance(item, pytest.Function) and "[" in item.name:
            item.name = f"{name}[{place}]"
            item._nodeid = f"{collector.nodeid}::{item.name}"  # type: ignore[attr-defined]
    return made
