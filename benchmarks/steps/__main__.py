"""``python -m benchmarks.steps``: what a step costs, and a replay, however many steps the run has.

The executor's own code runs, on DynamoDB Local; SQS is played by a stand-in inside botocore, which costs no time, and
time is moved between a sleep's beginning and its end, so compare the times with each other. Exit code 1: requests or
bytes of a step or of a kept step grew, or steps of a group did not run side by side.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.frame import conditions, dynamodb, progress, run
from benchmarks.matching.wire import Wire
from benchmarks.steps import parallel, roads
from benchmarks.steps.app import BODY_MS, KINDS
from benchmarks.steps.growth import Row, growth
from benchmarks.steps.report import Report
from benchmarks.steps.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_TURNS = 30
_WARM_UP = 3


def main(argv: list[str]) -> int:
    """Returns the exit code."""
    options = _options(argv)
    return run(lambda: _measured(options), options.json)


def _measured(options: argparse.Namespace) -> Report:
    where = conditions("steps", {"sizes": options.sizes}, options.endpoint)
    with dynamodb(options.endpoint) as endpoint:
        wire = Wire()
        progress("the lean road and the plain road, by turns")
        both = roads.measure(wire, endpoint, max(options.sizes), options.turns)
        rows, races = ([], []) if options.roads else _steps(options, wire, endpoint)
    by_kind = [[row for row in rows if row.kind == kind] for kind in KINDS] if rows else []
    return Report(where, rows, [growth(of_a_kind) for of_a_kind in by_kind], races, both)


def _steps(options: argparse.Namespace, wire: Wire, endpoint: str) -> tuple[list[Row], list[parallel.Race]]:
    with Scene(wire, endpoint) as scene:
        for kind in KINDS:
            list(scene.run(kind, _WARM_UP, f"{kind}, warm-up"))
        rows = [_row(scene, kind, count, options.turns // 2) for kind in KINDS for count in options.sizes]
        races = [
            parallel.measure(scene, face, options.turns // 6, options.rest) for face in ("async", "def")
        ]  # last: by now the emulator is warm
    return rows, races


def _row(scene: Scene, kind: str, count: int, replayed: int) -> Row:
    progress(f"{kind}: a run of {count:,}")
    name = f"{kind}, {count}"
    run = []
    for done, invocation in enumerate(scene.run(kind, count, name)):
        run.append(invocation)
        if done and done % 100 == 0:
            progress(f"{kind}: resumed {done:,} times")
    kept = count * (1 + KINDS[kind]) + 1
    replays = [scene.replay(kind, name, kept) for _ in range(replayed)]
    return Row.of(kind, count, run, replays)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument(
        "--sizes", type=_sizes, default="10,100,1000", metavar="N,...", help="steps of a run (default: %(default)s)"
    )
    parser.add_argument(
        "--turns", type=_turns, default=_TURNS, metavar="N", help="measure a road N times, and all else a part of that"
    )
    parser.add_argument(
        "--rest",
        type=int,
        default=BODY_MS,
        metavar="MS",
        help="how long a step of a group takes (default: %(default)s)",
    )
    parser.add_argument("--roads", action="store_true", help="compare the lean and the plain road to AWS, and no more")
    parser.add_argument("--endpoint", metavar="URL", help="another DynamoDB than DynamoDB Local, as empty as that")
    return parser.parse_args(argv)


def _turns(text: str) -> int:
    if not text.isdecimal() or int(text) < 6:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number, 6 or more")
    return int(text)


def _sizes(text: str) -> Sequence[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 2 <= int(part) <= 4_000 for part in parts) or len(set(parts)) < 2:
        raise argparse.ArgumentTypeError(f"{text!r}: write two whole numbers or more, from 2 to 4000, such as 10,100")
    return sorted({int(part) for part in parts})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
