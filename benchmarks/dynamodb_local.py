"""DynamoDB Local, Amazon's own emulator, as a process on loopback."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.local_port import comes_up, free_port
from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VERSION", "dynamodb_local", "install"]

VERSION = "1.25.1"
"""Of the emulator in the package below."""

# The npm package that carries it; of the package itself, which starts it for Node, nothing is used.
_PACKAGE, _PACKAGE_VERSION = "amplify-dynamodb-simulator", "2.9.30"
_SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
_INSIDE = "package/emulator"


@contextmanager
def dynamodb_local(cache: Path) -> Iterator[str]:
    """The URL of an empty DynamoDB, which keeps its tables in memory and is gone afterwards.

    The first time it is downloaded (57 MB) into ``cache``, and checked against a pinned hash.
    """
    java = _program("java", "DynamoDB Local runs on Java 11 or newer")
    folder = install(cache)
    port = free_port()
    command = [java, "-Xmx2g", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    with TemporaryDirectory() as scratch:
        log = Path(scratch) / "dynamodb-local.log"
        with log.open("w") as output:
            process = subprocess.Popen([*command, *options], cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            if not comes_up(process, port):
                raise UsageError(f"DynamoDB Local did not come up:\n{log.read_text()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def install(cache: Path) -> Path:
    """The folder in ``cache`` that holds the emulator; made if it is not there."""
    folder = cache / f"dynamodb-local-{VERSION}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as scratch:
            _unpack(_download(Path(scratch)), Path(scratch))
            (Path(scratch) / _INSIDE).rename(folder)  # whole or not at all
    return folder


def _download(folder: Path) -> Path:
    npm = _program("npm", f"DynamoDB Local comes in the npm package {_PACKAGE}")
    package = f"{_PACKAGE}@{_PACKAGE_VERSION}"
    run = subprocess.run([npm, "pack", "--silent", package], cwd=folder, capture_output=True, text=True)
    archives = list(folder.glob("*.tgz"))
    if run.returncode or len(archives) != 1:
        raise UsageError(f"npm could not fetch {package}: {run.stderr.strip() or run.stdout.strip()}")
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if digest != _SHA512:
        raise UsageError(f"{package} is not what it was: its SHA-512 is {digest}, pinned is {_SHA512}")
    return archives[0]


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, [item for item in tar if item.name.startswith(f"{_INSIDE}/")], filter="data")


def _program(name: str, why: str) -> str:
    if (found := shutil.which(name)) is None:
        raise UsageError(f"{name} is not on the PATH: {why}")
    return found
