"""The locked dependencies, as wheels for the machine that the Lambdas run on instead of this one."""

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

# The newest C library that wheels may ask for: Lambda's has 2.34. With manylinux2014 alone an old cel-python
# would be chosen, for the sake of a google-re2 that has such wheels.
_NEWEST_ABI = "manylinux_2_28"
_OLDER_ABIS = ("manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux2014")

_LAST_LINES = 8

_NOT_NEEDED = (
    *(f"*.dist-info/{name}" for name in ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")),
    "botocore/data/**/examples-1.json",  # read by the generator of its documentation alone
)


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


def install(lock: Path, requirements: Path | None, target: Target, directory: Path) -> None:
    """Unpacks what the lock pins, checked by its hashes, and with it the user's requirements, if there are some.

    Both are resolved at once, so that there is one version of everything; the user's are checked by hashes, too,
    if their file has them. Where uv finds no index, pip is asked: it reads settings that uv does not. Raises
    ``BundleError`` with the last words of both.
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
    """What the installer is asked for, one run after the other.

    One will do, but for pip with requirements that have no hashes: it takes them for everything or for nothing.
    It then gets the lock by itself, and leaves what lies there as it is when it brings the rest.
    """
    checked = ["--require-hashes", f"--requirement={lock}"]
    if requirements is None:
        return [checked]
    theirs = f"--requirement={requirements}"
    if takes_hashes(requirements):
        return [[*checked, theirs]]
    if installer == "uv":
        return [[f"--requirement={lock}", theirs]]  # it checks what hashes there are
    pins = scratch / "pins.txt"
    pins.write_text(without_hashes(lock.read_text()))
    return [checked, [f"--constraint={pins}", theirs]]


def _failure(command: list[str], rounds: list[list[str]]) -> str | None:
    """What the installer says of the first round that fails, if one does."""
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
        f"cannot install {what} {platform}: is the package index reached that uv or pip is set up for, and has it "
        f"all these wheels?{conflict}"
    )


def _trim(directory: Path) -> None:
    """Takes out what tells of the installation, and differs with it, and what no program reads.

    No more: botocore's other services, tests, stubs (``.pyi``) are read by some program or other of the user's.
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
    """It takes wheels for older platforms only where these are named, too."""
    platforms = [f"--platform={abi}_{target.machine}" for abi in (_NEWEST_ABI, *_OLDER_ABIS)]
    options = ["--only-binary=:all:", "--no-compile", "--implementation=cp"]
    return [sys.executable, "-m", "pip", "install", *options, *platforms]
