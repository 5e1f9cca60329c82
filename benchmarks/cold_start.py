"""What a Lambda loads at its cold start: imports by package, with and without bytecode, and the zip's size."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from platform import machine
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from tarry_infra import bytecode
from tarry_infra.bundle import Bundle
from tarry_infra.user_app import UserApp
from tarry_infra.wheels import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_EXECUTOR = "import tarry_backend.handlers.executor, tarry_backend.executor.executor"
_LOADS = {
    "what it cannot do without": "import botocore.session, pynamodb.models",
    "executor": _EXECUTOR,
    "matcher": "import tarry_backend.handlers.matcher, tarry_backend.matcher.matcher",
    "timers": "import tarry_backend.handlers.timers, tarry_backend.timers.timers",
    "the SDK alone": "import tarry",
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_PROCESSES = 7
_SHOWN = 6

_VERSIONS = ("3.11", "3.12", "3.13", "3.14")
_IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
_TIMED = f"import sys, time; sys.path[:0] = ['.']; t = time.perf_counter(); {_EXECUTOR}; print(time.perf_counter() - t)"


def main() -> None:
    """Prints a line for each Lambda (modules, milliseconds, the packages that cost most), and then one for each
    Python at hand: what bytecode saves, and what it would save to leave boto3 to Lambda's runtime."""
    for name, statement in _LOADS.items():
        loads = [_load(statement) for _ in range(_PROCESSES)]
        microseconds, modules = min(loads, key=lambda load: sum(load[0].values()))
        most = ", ".join(f"{package} {spent / 1000:.0f}" for package, spent in microseconds.most_common(_SHOWN))
        print(f"{name:26} {modules:4} modules {sum(microseconds.values()) / 1000:5.0f} ms: {most}")
    for version in _VERSIONS:
        interpreter = bytecode.compiler(version)
        if interpreter is None:
            print(f"Python {version}: none at hand")
            continue
        with TemporaryDirectory() as scratch:
            _compare(version, interpreter, Path(scratch))


def _load(statement: str) -> tuple[Counter[str], int]:
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement], capture_output=True, text=True, check=True
    ).stderr
    found = _LINE.findall(report)
    microseconds: Counter[str] = Counter()
    for spent, module in found:
        microseconds[module.partition(".")[0]] += int(spent)
    return microseconds, len(found)


def _compare(version: str, interpreter: Path, scratch: Path) -> None:
    """The asset for this machine, imported as it is, as source, and with what the runtime has compiled already."""
    pinned, source, left_out = scratch / "pinned", scratch / "source", scratch / "left out"
    _build(version, pinned)
    _copy_without_bytecode(pinned, source, lambda _: True)
    _copy_without_bytecode(pinned, left_out, lambda path: path.relative_to(pinned).parts[0] not in _IN_THE_RUNTIME)
    times = _times(interpreter, {"source": source, "boto3 compiled": left_out, "bytecode": pinned})
    shown = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in times.items())
    print(f"Python {version}, import of the executor: {shown}; bytecode {times['source'] / times['bytecode']:.1f} x")
    own = [path for path in pinned.iterdir() if not path.name.startswith(_IN_THE_RUNTIME)]
    sizes = {"bytecode": _zipped([pinned]), "source": _zipped([source]), "bytecode, boto3 left out": _zipped(own)}
    print(f"Python {version}, zip: {', '.join(f'{name} {size / 1e6:.1f} MB' for name, size in sizes.items())}")


def _build(version: str, directory: Path) -> None:
    processor = lambda_.Architecture.X86_64 if machine() in ("x86_64", "AMD64") else lambda_.Architecture.ARM_64
    target = Target(lambda_.Runtime(f"python{version}"), processor)
    Bundle.of(UserApp.load("examples.onboarding:app"), target).build(directory)


def _copy_without_bytecode(asset: Path, copy: Path, where: Callable[[Path], bool]) -> None:
    def ignored(folder: str, names: list[str]) -> Iterable[str]:
        return {"__pycache__"} & set(names) if where(Path(folder) / "__pycache__") else ()

    shutil.copytree(asset, copy, ignore=ignored)


def _times(interpreter: Path, folders: Mapping[str, Path]) -> dict[str, float]:
    """Seconds, the least of several fresh processes, in turn. ``-B``: a Lambda's folder cannot be written to."""
    times = dict.fromkeys(folders, float("inf"))
    for _ in range(_PROCESSES):
        for name, folder in folders.items():
            command = [str(interpreter), "-I", "-B", "-c", _TIMED]
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
            times[name] = min(times[name], float(run.stdout))
    return times


def _zipped(roots: Iterable[Path]) -> int:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for root in roots:
            for path in root.rglob("*") if root.is_dir() else [root]:
                file.write(path, path.relative_to(root.parent))
    return archive.tell()
