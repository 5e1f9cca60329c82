"""``python -m benchmarks.load``: how long after its event a run goes on, under load, and what load is borne.

Measured twice, each with thousands of open waits: on the stack as it is deployed, in MiniStack, which gives the
executor one batch at a time; and with the handlers in as many processes as there are cores, over DynamoDB Local.
Exit code 1: a wait was lost, or resumed twice.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.dynamodb_local import VERSION, dynamodb_local
from benchmarks.frame import conditions, progress, run
from benchmarks.load.load import Load, Place, Plan
from benchmarks.load.report import Part, Report
from benchmarks.load.workers import workers

_CACHE = Path(__file__).parents[2] / ".cache"
_PARTS = ("ministack", "workers")


def main(argv: list[str]) -> int:
    """Returns the exit code."""
    options = _options(argv)
    names = ("waits", "seconds", "measured", "first_ministack", "first_workers")
    where = conditions("load", {name: getattr(options, name) for name in names})
    where |= {"queues": "MiniStack's; of the workers a stand-in that takes no time"}
    return run(lambda: Report(where, dict(_parts(options))), options.json)


def _parts(options: argparse.Namespace) -> Iterator[tuple[str, Part]]:
    for name in options.only or _PARTS:
        with TemporaryDirectory() as scratch:
            part = _ministack(options, Path(scratch)) if name == "ministack" else _workers(options, Path(scratch))
            print(*part.lines(), "", sep="\n", flush=True)
            yield name, part


def _ministack(options: argparse.Namespace, scratch: Path) -> Part:
    from benchmarks.load.cloud import deployed  # its packages are not needed for the other part

    progress("deploying the stack to MiniStack")
    with deployed(scratch) as place:
        title = "the stack on MiniStack: one batch of the runs queue at a time, two of the others"
        return _measured(place, title, options, options.first_ministack, scratch)


def _workers(options: argparse.Namespace, scratch: Path) -> Part:
    count = os.cpu_count() or 1
    with dynamodb_local(_CACHE) as endpoint, workers(endpoint, count, scratch) as place:
        title = f"the handlers in {count} processes, over DynamoDB Local {VERSION}"
        return _measured(place, title, options, options.first_workers, scratch)


def _measured(place: Place, title: str, options: argparse.Namespace, first: float, scratch: Path) -> Part:
    plan = Plan(options.waits, first, options.seconds, options.measured)
    return Part(title, Load(place, plan, scratch / "diary", progress).measure())


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--only", choices=_PARTS, action="append", help="measure this part alone")
    parser.add_argument("--waits", type=int, default=5000, help="open at least, at the beginning of each stage")
    parser.add_argument("--seconds", type=float, default=12, help="of a stage")
    parser.add_argument("--measured", type=int, default=500, help="events, at least, of the last stage")
    parser.add_argument("--first-ministack", type=float, default=10, metavar="RATE", help="events a second")
    parser.add_argument("--first-workers", type=float, default=25, metavar="RATE", help="events a second")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
