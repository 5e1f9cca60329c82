"""For all tests: where each runs and when, what Python's garbage collector looks at, and that none leaves a thing."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.leftovers import Leftovers

TOGETHER = (
    "tests/infra/",  # the CDK's Node process, and the stack's template
    "tests/functional/remote/test_app_patterns.py",
    "tests/functional/remote/test_deployed.py",
    "tests/functional/remote/test_go_sdk.py",
    "tests/functional/remote/test_python_sdk.py",
    "tests/functional/remote/test_signed.py",
    "tests/functional/test_audit_sql.py",
    "tests/functional/test_cli_check.py",
    "tests/functional/test_cli_commands.py",
    "tests/functional/test_cli_control_characters.py",
    "tests/functional/test_cli_dev.py",
    "tests/functional/test_cli_dev_apps.py",
    "tests/functional/test_cli_event.py",
    "tests/functional/test_cli_flow.py",
    "tests/functional/test_cli_operations.py",
    "tests/functional/test_cli_retry.py",
    "tests/functional/test_cli_send.py",
    "tests/functional/test_cli_start.py",
    "tests/functional/test_console_browser.py",
)
"""Tests that share what takes seconds to make: each of these places goes to one worker, and first."""

os.environ.setdefault("CDK_VALIDATION", "false")
"""The CDK's own look at each template takes half of a synthesis, and brings warnings. ``test_app.py`` has it once."""

_LEFTOVERS = Leftovers()

_full_looks = 0

gc.disable()  # until all tests are collected: it took two thirds of that time, and found nothing to free


LONG = (
    "tests/functional/contract/test_batch_events.py",
    "tests/functional/contract/test_debounce.py",
    "tests/functional/contract/test_handshake.py",
    "tests/functional/contract/test_lost_answers.py",
    "tests/functional/contract/test_options_chaos.py",
    "tests/functional/contract/test_singleton.py",
    "tests/functional/contract/test_slow_events.py",
    "tests/functional/test_bad_deploy.py",
    "tests/functional/test_cli_dev_",
    "tests/functional/test_cli_send.py",
    "tests/functional/test_typed_pages.py",
    "tests/unit/matching/test_agreement.py",
    "tests/unit/matching/test_inngest_agreement.py",
    "tests/unit/test_bench_steps.py",
)
"""Where a test takes eight seconds or more. It begins before the short ones: no worker is left with it at the end."""

TOLD = 0.1
"""From how many seconds on a test's setup and teardown are told of though they passed, for ``--durations``."""

GARBAGE = 100_000, 10, 10
"""How many new objects there are before Python looks for cycles. Its own 700 cost a quarter of the tests' time."""


class _Groups(LoadScopeScheduling):  # type: ignore[misc]
    """As ``--dist loadgroup``, but by the tests' places. (xdist 3.8 gives pytest 9.2 no groups.)

    Unit tests go by whole files: most take less time than their worker would wait for the next one.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/unit/"):
            return nodeid.partition("::")[0]
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        """As xdist does it, but it finds a test's place at once: a search through all took a second and a half."""
        scope, unit = self.workqueue.popitem(last=False)
        self.assigned_work[node][scope] = unit
        node.send_runtest_some([self._place_of(node)[nodeid] for nodeid, is_done in unit.items() if not is_done])

    @cache  # noqa: B019 - one scheduler a session
    def _place_of(self, node: Any) -> dict[str, int]:
        return {nodeid: place for place, nodeid in enumerate(self.registered_collections[node])}

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """As xdist does it, but it forgets what is done: it would count all of that again after each test."""
        nodeid = self.registered_collections[node][item_index]
        scope, units = self._split_scope(nodeid), self.assigned_work[node]
        units[scope][nodeid] = True
        if all(units[scope].values()):
            del units[scope]
        self._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Called if there are several workers."""
    return _Groups(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first. Apart from that, the order stays as it is, shuffled or not."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """In a worker, tell of a test by one report instead of five: to send and to read them took half of a short test."""
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call" or not report.passed or report.duration >= TOLD:
            item.ihook.pytest_runtest_logreport(report=report)
    _freeze_what_stays()
    return True


def pytest_collection_finish() -> None:
    """All that is loaded by now stays: the garbage collector need not look at it again and again."""
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()


def pytest_runtest_logfinish() -> None:
    """Called where there is no worker."""
    _freeze_what_stays()


def _freeze_what_stays() -> None:
    """What a look through all objects has left, when a test is over, stays as well: caches, the tests' reports."""
    global _full_looks
    if (full := gc.get_stats()[2]["collections"]) != _full_looks:
        gc.freeze()
        _full_looks = full


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Fails the test that leaves a variable, a cloud, a runtime or a thread behind: the next one would meet it."""
    yield
    if left := _LEFTOVERS.new():
        pytest.fail(f"the test leaves behind: {', '.join(left)}", pytrace=False)
