"""What type checkers know of an application. ``make check`` has mypy check ``typed_app.py`` with everything else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).with_name("typed_app.py")


@pytest.mark.skipif(shutil.which("node") is None, reason="without Node.js, pyright downloads it")
def test_pyright_knows_what_each_call_of_a_sample_application_gives() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, SAMPLE], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout
    assert "0 errors" in run.stdout
