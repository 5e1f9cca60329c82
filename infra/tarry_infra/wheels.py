"""The locked dependencies, as wheels for the machine that the Lambdas run on instead of this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uv

from tarry.errors import TarryError

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_lambda as lambda_

__all__ = ["BundleError", "Target", "install"]

# The newest C library that wheels may ask for: Lambda's has 2.34. With manylinux2014 alone an old cel-python
# would be chosen, for the sake of a google-re2 that has such wheels.
_NEWEST_ABI = "manylinux_2_28"
_OLDER_ABIS = ("manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux2014")

_LAST_LINES = 8


class BundleError(TarryError):
    """The Lambdas' code cannot be put together."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the code is built for: the Lambdas' Python runtime and processor."""

    runtime: lambda_.Runtime
    architecture: lambda_.Architecture

    @property
    def python(self) -> str:
        """The version of Python, as in 3.14."""
        return self.runtime.name.removeprefix("python")

    @property
    def machine(self) -> str:
        """The processor, as wheels call it."""
        return "aarch64" if self.architecture.name == "arm64" else "x86_64"


def install(lock: Path, target: Target, directory: Path) -> None:
    """Unpacks what the lock pins, checked by its hashes. Where uv finds no index, pip is asked: it reads
    settings that uv does not. Raises ``BundleError`` with the last words of both."""
    common = [
        "--quiet",
        "--only-binary=:all:",
        f"--python-version={target.python}",
        "--require-hashes",
        f"--requirement={lock}",
        f"--target={directory}",
    ]
    said: list[str] = []
    for name, command in (("uv", _uv(target)), ("pip", _pip(target))):
        run = subprocess.run([*command, *common], capture_output=True, text=True, check=False)
        if run.returncode == 0:
            break
        said += [f"{name} said:", *run.stderr.strip().splitlines()[-_LAST_LINES:]]
    else:
        raise BundleError(
            f"cannot install {lock} for Python {target.python} on {target.machine}: is the package index "
            "reached that uv or pip is set up for, and has it all these wheels?\n" + "\n".join(said)
        )
    shutil.rmtree(directory / "bin", ignore_errors=True)  # scripts that name this machine's Python
    (directory / ".lock").unlink(missing_ok=True)  # uv's own


def _uv(target: Target) -> list[str]:
    platform = f"--python-platform={target.machine}-{_NEWEST_ABI}"
    return [uv.find_uv_bin(), "pip", "install", f"--python={sys.executable}", platform]


def _pip(target: Target) -> list[str]:
    """It takes wheels for older platforms only where these are named, too."""
    platforms = [f"--platform={abi}_{target.machine}" for abi in (_NEWEST_ABI, *_OLDER_ABIS)]
    return [sys.executable, "-m", "pip", "install", "--no-compile", "--implementation=cp", *platforms]
