"""For all tests: which worker each goes to, and that none leaves anything behind."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.leftovers import Leftovers

TOGETHER = (
    "tests/infra/",  # the CDK's Node process, and the stack's template
    "tests/functional/test_audit_sql.py",
    "tests/functional/test_cli_commands.py",
    "tests/functional/test_cli_dev.py",
    "tests/functional/test_cli_operations.py",
    "tests/functional/test_console_browser.py",
    "tests/unit/matching/test_bounds.py",
)
"""Tests that share what takes seconds to make: each of these places goes to one worker, and first."""

_LEFTOVERS = Leftovers()


class _Groups(LoadScopeScheduling):  # type: ignore[misc]
    """As ``--dist loadgroup``, but by the tests' places. (xdist 3.8 gives pytest 9.2 no groups.)"""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Called if there are several workers."""
    return _Groups(config, log)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Fails the test that leaves a variable, a cloud, a runtime or a thread behind: the next one would meet it."""
    yield
    if left := _LEFTOVERS.new():
        pytest.fail(f"the test leaves behind: {', '.join(left)}", pytrace=False)
