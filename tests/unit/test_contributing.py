"""CONTRIBUTING.md and the decision records name what is there."""

import re
from pathlib import Path

import pytest

from tests.unit.repository import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
RECORDS = sorted((ROOT / "docs/adr").glob("0*.md"))
INDEX = (ROOT / "docs/adr/index.md").read_text()
SECTIONS = ["Status: ", "## Context", "## Decision", "## Consequences"]


def test_each_file_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"`((?:sdk|functions|infra|tests|docs|benchmarks|\.ci|\.github)/[\w./-]+)`", CONTRIBUTING))
    assert named
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_each_make_target_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"`?make ([a-z0-9-]+)(?:`| [A-Z]|$|  )", CONTRIBUTING, re.MULTILINE))
    assert {"check", "mutants", "bench-load"} <= named
    assert named <= set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_glossary_defines_a_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\*", CONTRIBUTING, re.MULTILINE)
    assert words
    assert sorted(words) == sorted(set(words))


def test_decision_records_are_numbered_without_a_gap_and_stand_in_the_index() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", INDEX) == [record.name for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_the_index_says_of_a_record_only_which_others_its_own_status_names(record: Path) -> None:
    [row] = re.findall(rf"\({record.name}\) \| (.*?) \|", INDEX)
    [status] = re.findall(r"^Status: (.*?)\n\n", record.read_text(), re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"\b\d+\b", row)) <= set(re.findall(r"\b[1-9]\d?\b", status))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_record_has_its_number_its_title_and_all_its_sections(record: Path) -> None:
    text = record.read_text()
    title = re.match(r"# (\d+)\. (.+)\n", text)
    assert title is not None
    assert f"[{title[2]}]({title[1]:0>4}-" in INDEX
    assert [text.index(section) for section in SECTIONS] == sorted(text.index(section) for section in SECTIONS)
