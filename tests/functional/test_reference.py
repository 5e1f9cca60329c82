"""The programs of the documentation's pages and their tests, as they stand there."""

import re
from pathlib import Path

import pytest

from tarry_dev.pytest_plugin import MakeHost
from tests.functional.pages import blocks, load, names_of_tests, run_test
from tests.functional.serving import ROOT

PAGES = [ROOT / "docs/index.md", *sorted((ROOT / "docs/reference").glob("*.md"))]
STACK = ROOT / "docs/reference/stack.md"
EXAMPLES = [(page, name) for page in PAGES if page != STACK for name in names_of_tests(blocks(page)[1])]


@pytest.mark.parametrize(("page", "name"), EXAMPLES, ids=[f"{page.stem}-{name}" for page, name in EXAMPLES])
def test_a_pages_program_passes_its_tests(
    page: Path, name: str, tarry: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, test = blocks(page)
    load(program, monkeypatch)
    run_test(test, name, tarry)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_an_example(page: Path) -> None:
    begins, *_ = re.findall(r"^(?:```python|::: )", page.read_text(), re.MULTILINE)
    assert begins == "```python"
    compile(blocks(page)[0], page.name, "exec")
