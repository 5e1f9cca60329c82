"""The command line starts fast: it loads what it needs, and nothing else. And the shell completes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {"boto3", "botocore", "celpy", "duckdb", "moto", "pynamodb", "werkzeug"}

_CODE = """
import atexit, sys
atexit.register(lambda: print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules})))
from tarry_dev.cli import main
sys.argv = ["tarry", *sys.argv[1:]]
main()
"""


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """Return the packages that the command has loaded by its end."""
    command = [sys.executable, "-c", _CODE, *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    _, _, names = run.stdout.rpartition("LOADED ")
    assert "tarry_dev" in names, run.stderr
    return set(names.split())


def completions(words: str) -> list[str]:
    """Return what bash offers for the last word."""
    asked = {"_TARRY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [str(Path(sys.executable).parent / "tarry")]
    run = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=False)
    return run.stdout.split()


@pytest.mark.parametrize("arguments", [["--help"], ["runs", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_slow(tmp_path: Path, arguments: list[str]) -> None:
    assert loaded_by(tmp_path, *arguments) & SLOW == set()


def test_the_list_of_commands_does_not_load_pydantic() -> None:
    assert "pydantic" not in loaded_by(Path.cwd(), "--help")


@pytest.mark.parametrize("arguments", [["runs"], ["events"], ["waits"]], ids=" ".join)
def test_a_command_that_finds_no_app_says_so_before_it_loads_aws(tmp_path: Path, arguments: list[str]) -> None:
    assert loaded_by(tmp_path, *arguments) & SLOW == set()


def test_the_process_that_starts_several_apps_loads_nothing_that_they_need(tmp_path: Path) -> None:
    assert loaded_by(tmp_path, "dev", "shop:app", "shop:app") & (SLOW | {"tarry_backend"}) == set()


def test_the_shell_completes_commands_options_and_choices() -> None:
    assert completions("tarry ru") == ["runs", "run"]
    assert completions("tarry runs --sta") == ["--status", "--stack"]
    assert completions("tarry runs --status f") == ["finished", "failed"]
