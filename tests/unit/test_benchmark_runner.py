from pathlib import Path

import pytest

from benchmarks.__main__ import discover, main


def test_a_module_with_a_main_is_a_benchmark(tmp_path: Path) -> None:
    (tmp_path / "budget.py").write_text('"""What an event costs.\n\nIn reads."""\ndef main() -> None: ...\n')
    (tmp_path / "tables.py").write_text("def rows() -> None: ...\n")
    (tmp_path / "__main__.py").write_text("def main() -> None: ...\n")
    assert discover(tmp_path) == {"budget": "What an event costs."}


def test_an_unknown_name_is_an_error_that_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no-such-benchmark"])
    assert "no-such-benchmark" in capsys.readouterr().err
