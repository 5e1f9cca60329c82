"""What the tests need while mutmut runs them. ``tests/mutants`` copies this file to where they run."""

import re
import sys
from collections.abc import Generator

import pytest

sys.setrecursionlimit(4000)  # mutmut puts frames of its own between each function and its caller


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> Generator[None, object, object]:
    """Number the cases of a test. mutmut passes ids to pytest on a command line, which cannot carry all of ours."""
    made = yield
    for place, item in enumerate(made if isinstance(made, list) else []):
        if isinstance(item, pytest.Function) and "[" in item.name:
            item.name = f"{name}[{place}]"
            item._id = collector.id.child(name).with_params(str(place))
    return made


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse an id that pytest may not find again: mutmut would take that error for a mutant that is noticed."""
    odd = [item.nodeid for item in items if not re.fullmatch(r"[\w/.:]+(\[\d+\])?", item.nodeid)]
    if odd:
        raise pytest.UsageError(f"these ids have no number: {odd[:3]}")
