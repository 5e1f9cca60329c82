"""``python -m benchmarks.peers``: Tarry beside AWS's durable execution SDK for Python, in one interleaved run.

Each side runs its own code with its own client over HTTP on loopback: Tarry's matcher and executor on DynamoDB Local,
the peer on AWS's own local runner. What is compared is the CPU time of the Lambda's process alone. The services are
processes of their own, and do not count. The sides take turns, and each figure is a median.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.frame import conditions, dynamodb, progress, run
from benchmarks.peers.aws_side import aws_side
from benchmarks.peers.imports import PEER, cold_starts
from benchmarks.peers.job import Job
from benchmarks.peers.process import BenchmarkError
from benchmarks.peers.report import Report, Row
from benchmarks.peers.tarry_side import ROOT, Tarry, tarry_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.peers.job import Run, Side

__all__ = ["main"]

_PACKAGES = ("aws-durable-execution-sdk-python", "aws-durable-execution-sdk-python-testing", "boto3")
_VERSIONS = f"from importlib.metadata import version; print(*map(version, {_PACKAGES!r}))"
_COLD = 3
"""How many fresh processes there are in a round, of each Lambda."""

Runs = dict[str, dict[str, list["Run"]]]


def main(argv: list[str]) -> int:
    """Return the exit code."""
    options = _options(argv)
    return run(lambda: _measured(options), options.json)


def _measured(options: argparse.Namespace) -> Report:
    versions = _versions(options.peer)
    where = conditions("peers", {"steps": options.steps, "rounds": options.rounds}, options.endpoint)
    where["peer"] = versions
    progress("imports and clients")
    imports = cold_starts(options.peer, _COLD * options.rounds)
    with dynamodb(options.endpoint) as endpoint, TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        sides: dict[str, Side] = {
            "def": stack.enter_context(tarry_side(endpoint, folder)),
            "async": stack.enter_context(tarry_side(endpoint, folder, "-async")),
            PEER: stack.enter_context(aws_side(options.peer, folder)),
        }
        runs = _take_turns(sides, _jobs(options.steps, options.waits), options.rounds)
        first = sides["def"]
        assert isinstance(first, Tarry)
        beside = {"the matcher, an event": median(first.matched)}
    cpu = {name: each[0] for name, each in imports.items()}
    rows = [*_rows(runs, options.steps), *(_import_row(name, cpu) for name in cpu if name != PEER)]
    return Report(where, rows, {name: each[1] for name, each in imports.items()}, beside)


def _jobs(steps: int, waits: int) -> dict[str, Job]:
    return {
        "sleeps": Job(0, waits, "sleep"),
        "events": Job(0, waits, "event"),
        "steps": Job(steps, waits, "event"),
    }


def _take_turns(sides: Mapping[str, Side], jobs: Mapping[str, Job], rounds: int) -> Runs:
    """Run each job on each side, in turn, and each round in the other order. The first round warms up."""
    runs: Runs = {job: {side: [] for side in sides} for job in jobs}
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}" if number else "warm-up")
        for job, work in jobs.items():
            for name in list(sides)[:: 1 if number % 2 else -1]:
                measured = sides[name].run(work)
                if number:
                    runs[job][name].append(measured)
    return runs


def _rows(runs: Runs, steps: int) -> Iterator[Row]:
    for face in ("def", "async"):
        sides = face, PEER
        yield Row(f"a step ({face})", *(_each(runs, side, _first, steps) for side in sides))
        yield Row(f"a stored step at a replay ({face})", *(_each(runs, side, _resumed, steps) for side in sides))
        yield Row(f"suspend and resume, sleep ({face})", *(_resumed(runs["sleeps"][side]) for side in sides))
        yield Row(f"suspend and resume, event ({face})", *(_resumed(runs["events"][side]) for side in sides))
        yield Row(f"the same after {steps:,} stored steps ({face})", *(_resumed(runs["steps"][side]) for side in sides))


def _each(runs: Runs, side: str, cost: Callable[[Sequence[Run]], float], steps: int) -> float:
    return (cost(runs["steps"][side]) - cost(runs["events"][side])) / steps


def _first(measured: Sequence[Run]) -> float:
    return median(each.first for each in measured)


def _resumed(measured: Sequence[Run]) -> float:
    return median(each.resumed for each in measured)


def _import_row(name: str, cpu: Mapping[str, float]) -> Row:
    return Row(f"imports and clients, {name}", cpu[name], cpu[PEER])


def _versions(python: Path) -> dict[str, str]:
    """Return the versions of the peer's packages.

    Raises:
        BenchmarkError: The environment is not there, or has not the peer.
    """
    missing = f"the peer is not in {python}: run make bench-peers, which installs it in an environment of its own"
    try:
        found = subprocess.run([str(python), "-c", _VERSIONS], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(missing) from error
    return dict(zip(_PACKAGES, found.split(), strict=True))


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--peer", type=Path, metavar="PYTHON", default=ROOT / ".venv-peers/bin/python")
    parser.add_argument("--steps", type=_number(1), default=200, metavar="N", help="default: %(default)s")
    parser.add_argument("--waits", type=_number(2), default=6, metavar="N", help="of a run; default: %(default)s")
    parser.add_argument("--rounds", type=_number(1), default=5, metavar="N", help="default: %(default)s")
    parser.add_argument("--endpoint", metavar="URL", help="another DynamoDB than DynamoDB Local, as empty as that")
    return parser.parse_args(argv)


class _number:  # noqa: N801 - a function with one setting
    """A whole number from ``least`` on."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        if not text.isdecimal() or int(text) < self._least:
            raise argparse.ArgumentTypeError(f"{text!r}: write a whole number from {self._least} on")
        return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
