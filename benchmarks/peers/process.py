"""A worker process: one Lambda of one side."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tarry.errors import TarryError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BenchmarkError", "Invocation", "Worker", "lambda_environment"]

_FOLDER = Path(__file__).parent


_OTHERS = ("AWS_", "TARRY_", "POWERTOOLS_", "PYTHON")


def lambda_environment(**more: str) -> dict[str, str]:
    """Return the environment of a Lambda: nothing of this machine's settings of AWS, Tarry or Python."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)},
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **more,
    }


class BenchmarkError(TarryError):
    """A side did not do what is measured."""


class Invocation:
    """What one invocation did and cost. Times are in milliseconds; ``cpu_ms`` is the worker's own, with all threads."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.answer: Any = json.loads(found["answer"])
        self.said: Any = found["said"]
        self.cpu_ms: float = found["cpu_ms"]
        self.wall_ms: float = found["wall_ms"]


class Worker:
    """A process that has one handler, and waits for events. Its standard error is kept in ``log``."""

    def __init__(self, python: Path, folder: Path, target: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [str(python), str(_FOLDER / "worker.py"), str(folder), target],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=dict(environment),
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def invoke(self, event: Mapping[str, Any] | str) -> Invocation:
        """Give the handler an event, as a document or as its text."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write((event if isinstance(event, str) else json.dumps(event)) + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise BenchmarkError(f"a worker died:\n{self.log()}")
        return Invocation(json.loads(line))

    def log(self) -> str:
        """Return the end of what the worker has written to its standard error."""
        return self._log.read_text()[-2000:]
