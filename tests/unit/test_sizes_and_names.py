"""A reader finds a thing by a noun, and sees a function on one screen."""

import ast
import re
from pathlib import Path

import pytest

from tests.unit.repository import ROOT, SOURCES

LONGEST_FILE = 300
"""In lines, with its comments and docstrings."""

LONGEST_FUNCTION = 40
"""In lines of its body: what stands below its signature and its docstring."""

NOUNS_OF_THE_FIELD = {"matching"}
"""Names that end as a gerund or a participle does, and are what engineers call the thing."""

IRREGULAR = {"asked", "done", "found", "given", "held", "kept", "known", "made", "put", "sent", "told", "woken"}

FILES = sorted(path for root in SOURCES.values() for path in root.rglob("*.py"))


def is_verbal(name: str) -> bool:
    """Whether the last word of a module's name is a gerund or a participle."""
    word = name.strip("_").rpartition("_")[2]
    return word in IRREGULAR or re.search("(ing|ed)$", word) is not None


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def functions(code: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_module_and_no_package_is_named_by_a_gerund_or_a_participle() -> None:
    inside = {path.relative_to(root) for root in SOURCES.values() for path in root.rglob("*.py")}
    names = {part for path in inside for part in path.with_suffix("").parts}
    assert {name for name in names if is_verbal(name)} == NOUNS_OF_THE_FIELD


@pytest.mark.parametrize(
    ("name", "verbal"),
    [("asking", True), ("opened", True), ("kept", True), ("received_event", False), ("run_end", False)],
)
def test_a_gerund_or_a_participle_is_recognised_by_the_last_word(name: str, verbal: bool) -> None:
    assert is_verbal(name) is verbal


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    assert {place(path) for path in FILES if len(path.read_text().splitlines()) > LONGEST_FILE} == set()


def test_no_function_has_a_body_of_more_than_forty_lines() -> None:
    long = [
        f"{place(path)}:{function.lineno} {function.name}: {body_length(function)}"
        for path in FILES
        for function in functions(path.read_text())
        if body_length(function) > LONGEST_FUNCTION
    ]
    assert long == []


def test_a_body_is_counted_without_signature_and_docstring() -> None:
    [function] = functions(
        'def f(\n    a: int,\n) -> int:\n    """One.\n\n    Two.\n    """\n    b = a\n\n    return b\n'
    )
    assert body_length(function) == 3
