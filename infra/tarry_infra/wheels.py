"""The locked dependencies, as wheels for the Lambdas' machine instead of this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uv

from tarry.errors import TarryError
from tarry_infra.requirements import takes_hashes, without_hashes

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

__all__ = ["BundleError", "Target", "install"]

# The newest C library that wheels may need: Lambda has 2.34. With manylinux2014 alone the installer would choose an old
# cel-python, because only an old google-re2 has such wheels.
_NEWEST_ABI = "manylinux_2_28"
_OLDER_ABIS = ("manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux2014")

_LAST_LINES = 8

_NOT_NEEDED = (
    *(f"*.dist-info/{name}" for name in ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")),
    "botocore/data/**/examples-1.json",  # only its documentation generator reads them
)


class BundleError(TarryError):
    """The Lambdas' code cannot be bundled."""


@dataclass(frozen=True, slots=True)
class Target:
    """The Lambdas' Python runtime and processor."""

    runtime: lambda_.Runtime
    architecture: lambda_.Architecture

    @property
    def python(self) -> str:
        """The version of Python, such as 3.14."""
        return self.runtime.name.removeprefix("python")

    @property
    def machine(self) -> str:
        """The processor, as wheels name it."""
        return "aarch64" if self.architecture.name == "arm64" else "x86_64"


def install(lock: Path, requirements: Path | None, target: Target, directory: Path) -> None:
    """Install what the lock pins, checked by its hashes, and the user's requirements, if there are any.

    Both are resolved together, so there is one version of each package. The user's hashes are checked too, if their
    file has them. If uv finds no index, pip tries: it reads settings that uv does not.

    Raises:
        BundleError: Both failed; with the last lines of both.
    """
    said: list[str] = []
    with TemporaryDirectory() as scratch:
        for name, command in (("uv", _uv(target)), ("pip", _pip(target))):
            command += ["--quiet", f"--python-version={target.python}", f"--target={directory}"]
            failure = _failure(command, _rounds(name, lock, requirements, Path(scratch)))
            if failure is None:
                break
            said += [f"{name} said:", *failure.strip().splitlines()[-_LAST_LINES:]]
        else:
            raise BundleError("\n".join((_problem(lock, requirements, target), *said)))
    _trim(directory)


def _rounds(installer: str, lock: Path, requirements: Path | None, scratch: Path) -> list[list[str]]:
    """Return the installer's arguments, for one run after the other.

    One run suffices, except for pip with requirements without hashes: pip requires hashes for all or none. It then
    installs the lock by itself, and leaves that unchanged when it installs the rest.
    """
    checked = ["--require-hashes", f"--requirement={lock}"]
    if requirements is None:
        return [checked]
    theirs = f"--requirement={requirements}"
    if takes_hashes(requirements):
        return [[*checked, theirs]]
    if installer == "uv":
        return [[f"--requirement={lock}", theirs]]  # it checks the hashes that are there
    pins = scratch / "pins.txt"
    pins.write_text(without_hashes(lock.read_text("utf-8")), "utf-8")
    return [checked, [f"--constraint={pins}", theirs]]


def _failure(command: list[str], rounds: list[list[str]]) -> str | None:
    """Return what the installer says of the first round that fails, or ``None``."""
    for asked in rounds:
        run = subprocess.run([*command, *asked], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return run.stderr
    return None


def _problem(lock: Path, requirements: Path | None, target: Target) -> str:
    platform = f"for Python {target.python} on {target.machine}"
    if requirements is None:
        what, conflict = str(lock), ""
    else:
        what = f"{lock} and {requirements} together"
        conflict = " Do both ask for the same package in versions that exclude each other?"
    return (
        f"cannot install {what} {platform}: check that uv or pip can reach its package index, and that the index has "
        f"all these wheels.{conflict}"
    )


def _trim(directory: Path) -> None:
    """Remove what describes the installation and differs with it, and what no program reads.

    Nothing else: some user's program may read botocore's other services, tests or stubs (``.pyi``).
    """
    shutil.rmtree(directory / "bin", ignore_errors=True)  # scripts that name this machine's Python
    (directory / ".lock").unlink(missing_ok=True)  # uv's own
    for pattern in _NOT_NEEDED:
        for path in directory.glob(pattern):
            path.unlink()


def _uv(target: Target) -> list[str]:
    platform = f"--python-platform={target.machine}-{_NEWEST_ABI}"
    return [uv.find_uv_bin(), "pip", "install", "--only-binary=:all:", f"--python={sys.executable}", platform]


def _pip(target: Target) -> list[str]:
    """pip takes wheels for older platforms only if they are named too."""
    platforms = [f"--platform={abi}_{target.machine}" for abi in (_NEWEST_ABI, *_OLDER_ABIS)]
    options = ["--only-binary=:all:", "--no-compile", "--implementation=cp"]
    return [sys.executable, "-m", "pip", "install", *options, *platforms]
