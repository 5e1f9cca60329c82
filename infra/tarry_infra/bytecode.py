"""Bytecode in the asset: a Lambda cannot keep what it compiles, so without it each cold start compiles anew.

Only the Lambdas' own version of Python makes bytecode that they read; where none is at hand, the asset goes without.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import uv

__all__ = ["compile_all", "compiler"]

_WHO = "import json, sys; print(json.dumps([sys.implementation.name, *sys.version_info[:4]]))"
_LAMBDAS_FOLDER = "/var/task"


@cache
def compiler(version: str) -> Path | None:
    """An interpreter of this version (such as 3.14), if one is at hand: this one, or one that uv finds.

    Nothing is downloaded, unless the person has uv do it: ``python -m uv python install 3.14``.
    """
    if _is_release(sys.executable, version):
        return Path(sys.executable)
    find = [uv.find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", version]
    found = subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip()
    return Path(found) if found and _is_release(found, version) else None


def compile_all(directory: Path, version: str) -> None:
    """Puts bytecode beside every source, or says once on standard error that there will be none.

    It is read without a look at the source (``unchecked-hash``): a zip loses the times of its files, and nothing
    in an asset changes. What does not compile stays as it is, to fail where it is imported.
    """
    interpreter = compiler(version)
    if interpreter is None:
        _tell_that_there_is_none(version)
        return
    options = ["-qq", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(directory), "-p", _LAMBDAS_FOLDER, str(directory)]
    command = [str(interpreter), "-I", "-m", "compileall", *options, *paths]
    subprocess.run(command, capture_output=True, check=False)


def _is_release(interpreter: str, version: str) -> bool:
    """Bytecode is the same in all releases of a version, but not in those before the first."""
    run = subprocess.run([interpreter, "-I", "-c", _WHO], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return False
    name, major, minor, _, level = json.loads(run.stdout)
    return (name, f"{major}.{minor}", level) == ("cpython", version, "final")


@cache
def _tell_that_there_is_none(version: str) -> None:
    sys.stderr.write(
        f"tarry: this machine has no Python {version} to compile the Lambdas' code, so their cold starts take longer; "
        f"install it with `python -m uv python install {version}`\n"
    )
