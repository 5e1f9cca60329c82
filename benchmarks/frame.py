"""What the longer benchmarks have in common: the DynamoDB that they ask, their conditions, their ends, their files."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.dynamodb_local import VERSION, dynamodb_local
from tarry.errors import TarryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Report", "conditions", "dynamodb", "progress", "run"]

_CACHE = Path(__file__).parents[1] / ".cache"
_PARTS = ("tarry", "boto3", "botocore", "pynamodb", "cel-python")


class Report(Protocol):
    """What was measured."""

    @property
    def failed(self) -> bool:
        """Whether something is not as it is claimed to be."""

    @property
    def figures(self) -> dict[str, Any]:
        """For programs, with the conditions."""

    def lines(self) -> Iterable[str]:
        """For people."""


def run(measure: Callable[[], Report], file: Path | None) -> int:
    """Measures, prints, and writes the file if one is wanted. Returns the exit code."""
    try:
        report = measure()
    except TarryError as error:
        print(f"the benchmark could not go on: {error}", file=sys.stderr)
        return 2
    print(*report.lines(), sep="\n")
    if file:
        _write(report.figures, file)
    return 1 if report.failed else 0


@contextmanager
def dynamodb(endpoint: str | None) -> Iterator[str]:
    """Where DynamoDB answers: at that endpoint, or DynamoDB Local, started for this."""
    # Whatever account this machine has is not asked.
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "eu-west-1"}
    os.environ.pop("AWS_PROFILE", None)
    with nullcontext(endpoint) if endpoint else dynamodb_local(_CACHE) as found:
        yield found


def conditions(benchmark: str, arguments: dict[str, Any], endpoint: str | None = None) -> dict[str, Any]:
    """Where, when and with what is measured. The load is the system's, before anything has begun."""
    return {
        "benchmark": benchmark,
        "queues": "a stand-in that takes no time",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": arguments,
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cpus": os.cpu_count(),
            "load": list(os.getloadavg()),
        },
        "versions": {"python": platform.python_version(), "dynamodb": endpoint or f"DynamoDB Local {VERSION}"}
        | {name: version(name) for name in _PARTS},
    }


def progress(line: str) -> None:
    """Says on stderr what goes on."""
    print(line, file=sys.stderr, flush=True)


def _write(figures: dict[str, Any], path: Path) -> None:
    """The file is written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        json.dump(figures, file, indent=2)
        file.write("\n")
    Path(file.name).replace(path)
