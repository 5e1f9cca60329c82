"""The wheel and the sdist that ``make dist`` has built, and environments into which the wheel is installed."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.repository import ROOT

Install = Callable[..., Path]

_PIN = re.compile(r"^([\w.-]+==[^\\\n]+?) *\\?$", re.MULTILINE)


def only(pattern: str) -> Path:
    """The one file of that name in ``dist/``."""
    found = sorted((ROOT / "dist").glob(pattern))
    assert len(found) == 1, f"dist/ has {len(found)} files {pattern}: run `make dist`, which builds one"
    return found[0]


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel."""
    return only("tarry-*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    """The sdist."""
    return only("tarry-*.tar.gz")


@pytest.fixture(scope="session")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Makes an environment that has the wheel with an extra, such as ``[local]``, and more packages; gives its folder.

    The dependencies have the versions of ``requirements.lock``.
    """
    constraints = tmp_path_factory.mktemp("pins") / "constraints.txt"
    constraints.write_text("\n".join(_PIN.findall((ROOT / "requirements.lock").read_text())) + "\n")

    def make(extra: str, *more: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        python = str(folder / "bin/python")
        what = ["install", "--quiet", "--constraint", str(constraints), f"{wheel}{extra}", *more]
        # As in the Makefile: uv is quick, and does not read pip's settings, which may lead to the only index.
        uv = subprocess.run([sys.executable, "-m", "uv", "pip", *what, "--python", python], capture_output=True)
        if uv.returncode:
            run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, *what)
        return folder / "bin"

    return make


def run(*command: str) -> None:
    """Runs a command; what it wrote is shown if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
