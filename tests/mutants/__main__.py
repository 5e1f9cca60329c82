"""Mutation tests: mutmut changes the code, and reports which changes no test notices.

    python tests/mutants [MODULE ...]

A module is named as its file, without ``.py``: ``keys``. Without one all of ``_cel/``, ``matching/`` and ``replay/``
are changed. mutmut wants the packages in ``src/`` beside the tests, so they are copied to ``.cache/mutants/`` first.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGE = ROOT / ".cache/mutants"
PACKAGES = ("sdk/tarry", "functions/tarry_backend")
ROOMS = {  # each folder with that of its tests
    "sdk/tarry/_cel": "matching",
    "functions/tarry_backend/matching": "matching",
    "functions/tarry_backend/replay": "replay",
}
LEFT_OUT = "test_loading.py"  # it asserts which modules a process loads; mutmut's own are among them

_SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = [".", "src"]
addopts = ["--import-mode=importlib"]
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = {files}
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
timeout_constant = 3.0
timeout_multiplier = 5.0
"""


def main(modules: list[str]) -> int:
    """Run mutmut, then print each mutant that survived, and the counts."""
    files = chosen(modules)
    if not files:
        print(f"no module {' or '.join(modules)} in {' or '.join(ROOMS)}", file=sys.stderr)
        return 2
    stage(files)
    run = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(2 * (os.cpu_count() or 1))],
        cwd=STAGE,
        check=False,
    )
    if run.returncode == 0:
        report()
    return run.returncode


def chosen(modules: list[str]) -> list[Path]:
    """The files of these modules, relative to the root; of all modules if none is named."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [path.relative_to(ROOT) for path in paths if not modules or path.stem in modules]


def stage(files: list[Path]) -> None:
    """Copy the packages, and the tests of the files' rooms, to an empty stage."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, STAGE / "src" / Path(package).name)
    rooms = {tests for room, tests in ROOMS.items() if any(file.is_relative_to(room) for file in files)}
    tests = [f"tests/unit/{room}" for room in sorted(rooms)]
    for folder in tests:
        shutil.copytree(ROOT / folder, STAGE / folder, ignore=shutil.ignore_patterns(LEFT_OUT, "__pycache__"))
    shutil.copy2(Path(__file__).with_name("conftest.py"), STAGE / "tests/conftest.py")
    mutated = ["src/" + str(file).partition("/")[2] for file in files]
    (STAGE / "pyproject.toml").write_text(_SETTINGS.format(files=mutated, tests=tests))


def report() -> None:
    """Print the results that mutmut has kept."""
    listed = _mutmut("results", "--all", "true")
    results = re.findall(r"^\s*(\S+__mutmut_\d+): (.+)$", listed, re.MULTILINE)
    survivors = [name for name, result in results if result in ("survived", "no tests")]
    for name in survivors:
        print(_mutmut("show", name))
    counts = Counter(result for _, result in results)
    print(*(f"{result}: {count}" for result, count in counts.most_common()), sep=", ")
    print(f"score: {1 - len(survivors) / max(1, len(results)):.1%} of {len(results)} mutants are noticed")


def _mutmut(*arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=STAGE, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
