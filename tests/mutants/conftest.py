"""What the tests need while mutmut runs them. ``tests/mutants`` copies this file to where they run.

mutmut forks a process for each mutant, and runs pytest in it. Most mutants fail a test of a few milliseconds, so what
counts is how soon that test comes, and what a hang and a survivor cost:

- A mutant first runs the tests that noticed others of its function, then the quickest, and only then collects all.
- Each test has a limit of its own. mutmut alone stops a mutant that hangs after five times as long as all its tests.
- The grammar parses each text once, before the fork. A mutant inherits the trees.
"""

import functools
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from itertools import accumulate
from math import ceil
from pathlib import Path
from types import FrameType
from typing import Any

import lark
import pytest
from mutmut.mutation.trampoline import get_mutant_under_test  # type: ignore[import-not-found]
from mutmut.state import state  # type: ignore[import-not-found]

from tarry._cel import syntax
from tarry._engine import place as user_place

sys.setrecursionlimit(4000)  # mutmut puts frames of its own between each function and its caller
vars(user_place)["_OURS"] = (*user_place._OURS, "mutmut.")  # those frames are no code of the user's


class _Calls(set[str]):
    """The functions that a test has called. Threads may add to it while mutmut reads it."""

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())


state()._stats = _Calls()

FIRST = 40
"""How many tests a mutant runs before it collects all of its own."""

LONGEST = float(os.environ.get("TARRY_MUTANTS_LONGEST", "inf"))
"""Tests that took longer than this, in seconds, are left out. The tests of ``OWN`` stay."""

MOST = float(os.environ.get("TARRY_MUTANTS_MOST", "inf"))
"""How many seconds the tests of one mutant took together. What follows in their order is left out."""

OWN = {
    "admission": "admission misplaced_steps endless_faults forgotten_calls",
    "arguments": "arguments",
    "block_watch": "block_watch body_loop",
    "bodies": "body_loop body_loop_ends step_timeouts steps",
    "body_loop": "body_loop body_loop_ends step_timeouts",
    "bridge": "bridge threads branches direct_answers",
    "conclusion": "suspension journal_errors misplaced_steps hand_over endless_faults",
    "direct_answers": "direct_answers arguments",
    "groups": "branches race branch_past hand_over since",
    "hooks": "middleware hand_over odd_errors",
    "jitter": "retries",
    "race": "race endless_faults",
    "result_order": "ungiven_steps changed_code history result_order",
    "step_keys": "steps",
    "threads": "threads",
}
"""The tests that are about a module. A mutant of it runs them before others: each replay executes such a module."""

_NOTICED = Path.cwd().resolve() / "noticed"
_CASE = re.compile(r"[\w/.:]+::\w+(\[\d+\])?")


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
    """Put the tests of a mutant in their order, and refuse an id that pytest may not find again.

    mutmut would take that error for a mutant that is noticed.
    """
    odd = [item.nodeid for item in items if not re.fullmatch(r"[\w/.:]+(\[\d+\])?", item.nodeid)]
    if odd:
        raise pytest.UsageError(f"these ids have no number: {odd[:3]}")
    if _wanted:
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in _wanted]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Limit what a test may take: CPU if it loops, time if it waits. mutmut counts a process that it ends as hung."""
    if _function():
        usual = state().duration_by_test.get(item.nodeid, 0)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        limit = ceil(time.process_time() + 3 + 5 * usual)
        resource.setrlimit(resource.RLIMIT_CPU, (min(limit, hard), hard))
        signal.signal(signal.SIGALRM, _hung)
        busy = min(max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), 3.0)
        signal.setitimer(signal.ITIMER_REAL, (10 + 10 * usual) * busy)
    result = yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember which test noticed a mutant of this function."""
    if report.failed and (function := _function()):
        with (_NOTICED / function).open("a") as file:
            print(report.nodeid, file=file)


def _hung(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGXCPU)


def _function() -> str:
    """The function whose mutant runs in this process; empty if the code is as it was written."""
    name, found, _ = get_mutant_under_test().partition("__mutmut_")
    return name if found else ""


_wanted: list[str] = []


def _contained(main: Callable[..., int]) -> Callable[..., int]:
    """What a fault makes of objects that Python collects, pytest raises at its very end, past its exit code."""

    def run(args: list[str], **options: Any) -> int:
        try:
            return main(args, **options)
        except ExceptionGroup:
            return 1

    return run


def _in_turn(main: Callable[..., int]) -> Callable[..., int]:
    """Run pytest for the tests that will notice a mutant most likely, then for the others."""

    def run(args: list[str], **options: Any) -> int:
        function = _function()
        ids = [each for each in args if _CASE.fullmatch(each)]
        others = [each for each in args if not _CASE.fullmatch(each)]
        if not function:
            quick = [name for name in ids if state().duration_by_test.get(name, 0) <= LONGEST]
            return main([*others, *quick], **options)
        _forget()
        ids = _chosen(ids, function)
        first, rest = ids[:FIRST], ids[FIRST:]
        code = main([*others, *first], **options)
        if code or not rest:
            return code
        _wanted[:] = rest
        return main([*others, *sorted({name.partition("::")[0] for name in rest})], **options)

    return run


def _chosen(ids: list[str], function: str) -> list[str]:
    """The tests of a mutant in their order: those that noticed others of its function, its module's, the quickest.

    All tests about the module are among them. What lives as long as the process, such as the loop of all bodies, calls
    some functions in the first test alone.
    """
    once, took = _noticed(function), state().duration_by_test
    stems = OWN.get(function.split(".")[-2], "").split()
    own = {name for name in took if Path(name.partition("::")[0]).stem.removeprefix("test_") in stems}
    kept = [name for name in {*ids, *own} if name in own or took.get(name, 0) <= LONGEST]
    kept.sort(key=lambda name: (-once.get(name, 0), name not in own, took.get(name, 0), name))
    sums = accumulate(took.get(name, 0) for name in kept)
    return [name for name, so_far in zip(kept, sums, strict=True) if so_far <= MOST]


def _noticed(function: str) -> dict[str, int]:
    """How often each test noticed a mutant of this function."""
    try:
        lines = (_NOTICED / function).read_text().split()
    except FileNotFoundError:
        return {}
    return {name: lines.count(name) for name in lines}


def _forget() -> None:
    """Empty the caches of Tarry, which hold results of the code as it was written. The grammar is no mutant's."""
    for module in [module for name, module in sys.modules.items() if name.startswith("tarry")]:
        for name, value in vars(module).items():
            if name != "_parser" and hasattr(value, "cache_clear"):
                value.cache_clear()


def _once(parse: Callable[[lark.Lark, str], object]) -> Callable[[lark.Lark, str], object]:
    trees: dict[str, object] = {}

    @functools.wraps(parse)
    def parsed(parser: lark.Lark, text: str) -> object:
        if ".syntax." in _function() or parser is not syntax._parser():
            return parse(parser, text)
        tree = trees.get(text) or parse(parser, text)
        if len(text) < 100 and len(trees) < 10_000 and not _function():
            trees[text] = tree
        return tree

    return parsed


_NOTICED.mkdir(exist_ok=True)
pytest.main = _in_turn(_contained(pytest.main))
lark.Lark.parse = _once(lark.Lark.parse)  # type: ignore[assignment, method-assign]
