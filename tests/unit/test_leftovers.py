"""The check that runs after every test finds what one leaves behind, and blames that one alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tarry import App
from tarry_backend.runtime import host, runtime
from tarry_dev.cloud import Cloud, RealClock
from tests import leftovers
from tests.leftovers import Leftovers

pytest_plugins = ["pytester"]

CLOUD = ["a hosted app, 'left'", "an open embedded cloud"]
"""What an open cloud is found by, beside the variables that it sets."""


@contextmanager
def variable(name: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, "set")
        yield


@contextmanager
def hosted() -> Iterator[None]:
    host(App("left"))
    try:
        yield
    finally:
        host(None)


@contextmanager
def used_runtime() -> Iterator[None]:
    with Cloud(App("left")):
        runtime()
        yield


@contextmanager
def served_cloud() -> Iterator[None]:
    with Cloud(App("left"), clock=RealClock()) as cloud, cloud.serve():
        yield


@contextmanager
def thread() -> Iterator[None]:
    end = threading.Event()
    left = threading.Thread(target=end.wait, name="left")
    left.start()
    try:
        yield
    finally:
        end.set()
        left.join()


@pytest.mark.parametrize(
    ("leave", "found"),
    [
        (lambda: variable("TARRY_TABLE"), ["variable TARRY_TABLE=set"]),
        (lambda: variable("AWS_ENDPOINT_URL"), ["variable AWS_ENDPOINT_URL=set"]),
        (lambda: variable("SOMETHING_ELSE"), []),
        (hosted, ["a hosted app, 'left'"]),
        (used_runtime, [*CLOUD, "a runtime"]),
        (served_cloud, [*CLOUD, "a runtime", "thread tarry-http", "thread tarry-pump"]),
        (thread, ["thread left"]),
    ],
)
def test_what_is_left_behind_is_found_once_and_is_gone_when_it_is_undone(
    monkeypatch: pytest.MonkeyPatch, leave: Callable[[], AbstractContextManager[None]], found: list[str]
) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE", 0.05)
    check = Leftovers()
    with leave():
        assert set(found) == {each for each in check.new() if each in found or not each.startswith("variable TARRY_")}
        assert check.new() == []
    assert check.new() == []


def test_a_thread_that_is_about_to_end_is_waited_for() -> None:
    check = Leftovers()
    ending = threading.Timer(0.1, lambda: None)
    ending.start()
    assert check.new() == []
    assert not ending.is_alive()


def test_the_check_fails_the_test_that_leaves_something(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import _nothing_is_left  # noqa")
    pytester.makepyfile(
        """
        import os

        def test_that_leaves_a_variable():
            os.environ["TARRY_LEFT"] = "yes"

        def test_that_leaves_nothing():
            del os.environ["TARRY_LEFT"]
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*test_that_leaves_a_variable*", "the test leaves behind: variable TARRY_LEFT=yes"])
