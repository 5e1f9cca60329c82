"""``python -m benchmarks.dev``: what ``tarry dev`` costs, however many runs wait in it.

The cloud is served in real time, in this process, which also sends the events; moto plays AWS. Exit code 1: a resume
grew with the waits, or the cloud took more than a little of a core while nothing happened.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.dev.report import Report, Row, Shared
from benchmarks.dev.scene import Scene, memory_mb
from benchmarks.frame import conditions, progress, run

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_RESUMES = 100
"""How many runs are resumed at each number of waits."""


def main(argv: list[str]) -> int:
    """Returns the exit code."""
    options = _options(argv)
    return run(lambda: _measured(options), options.json)


def _measured(options: argparse.Namespace) -> Report:
    arguments = {name: value for name, value in vars(options).items() if name != "json"}
    where = conditions("dev", arguments, "moto, in the process") | {"queues": "moto's, in the process"}
    with Scene() as scene:
        # A new name's log is read by name for a minute: a second one has the log by key.
        progress(f"the first waits, and {options.warm_up} s until the log has their keys")
        scene.register([-1])
        scene.gather(-1, 1)
        time.sleep(options.warm_up)
        rows = [
            _row(scene, fewer, waits, options) for fewer, waits in zip([0, *options.sizes], options.sizes, strict=False)
        ]
        shared = [_herd(scene, options.herd), *(_feed(scene, count) for count in options.feed)]
    return Report(where, rows, shared)


def _row(scene: Scene, fewer: int, waits: int, options: argparse.Namespace) -> Row:
    progress(f"from {fewer:,} to {waits:,} waits")
    registered = scene.register(range(fewer, waits))
    idle = scene.idle(options.idle)
    few = range(waits, waits + min(_RESUMES, waits))
    scene.register(few)
    return Row(waits, registered, idle, scene.resume(few), memory_mb())


def _herd(scene: Scene, count: int) -> Shared:
    progress(f"one event to {count:,} runs")
    return Shared("one event to its runs", scene.gather(1, count), scene.release(1, count))


def _feed(scene: Scene, count: int) -> Shared:
    progress(f"{count:,} events to a run each")
    numbers = [-2 - number for number in range(count)]
    return Shared("events at once, to a run each", scene.register(numbers), scene.resume(numbers))


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dev", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument(
        "--sizes", type=_sizes, default="100,1000,10000", metavar="N,...", help="open waits (default: %(default)s)"
    )
    parser.add_argument("--herd", type=int, default=1_000, metavar="N", help="runs that wait for the same event")
    parser.add_argument(
        "--feed", type=_sizes, default="1000,7000", metavar="N,...", help="events at once (default: %(default)s)"
    )
    parser.add_argument("--idle", type=float, default=10, metavar="S", help="seconds of rest that are measured")
    parser.add_argument("--warm-up", type=float, default=75, metavar="S", help="seconds after the first wait of a name")
    return parser.parse_args(argv)


def _sizes(text: str) -> Sequence[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: write whole numbers, such as 100,1000")
    return sorted({int(part) for part in parts})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
