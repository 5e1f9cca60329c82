"""The README's program and its test, as they stand there."""

import pytest

from tarry_dev.pytest_plugin import MakeHost
from tests.functional.pages import blocks, load, names_of_tests, run_test
from tests.functional.serving import ROOT


def test_the_readmes_program_passes_the_readmes_test(tarry: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    program, _, test, _ = blocks(ROOT / "README.md")
    load(program, monkeypatch)
    (name,) = names_of_tests(test)
    run_test(test, name, tarry)
