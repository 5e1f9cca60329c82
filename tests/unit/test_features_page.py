"""The table of docs/features.md names tests that are there."""

import re

from tests.unit.repository import ROOT

PAGE = (ROOT / "docs/features.md").read_text()
SOURCES = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}


def test_each_file_of_the_table_is_there() -> None:
    assert set(re.findall(r"test_\w+\.py", PAGE)) <= {path.name for path in SOURCES}


def test_each_test_of_the_table_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert {name for name in named if not any(f"def {name}(" in text for text in SOURCES.values())} == set()
