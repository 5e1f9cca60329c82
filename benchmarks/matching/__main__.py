"""``python -m benchmarks.matching``: what an event costs the matcher, whatever waits are open on its name.

The matcher's own code runs, on DynamoDB Local; SQS is played by a stand-in inside botocore, which costs no time,
so compare the times with each other. Exit code 1: requests or read units grew where they must not.
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

from benchmarks.frame import conditions, dynamodb, run
from benchmarks.matching import fan_out, flatness
from benchmarks.matching.flatness import ROUNDS
from benchmarks.matching.kinds import KINDS
from benchmarks.matching.report import Report
from benchmarks.matching.wire import Wire


def main(argv: list[str]) -> int:
    """Returns the exit code."""
    options = _options(argv)
    return run(lambda: _measured(options), options.json)


def _measured(options: argparse.Namespace) -> Report:
    arguments = {name: getattr(options, name) for name in ("sizes", "events", "fan_out")}
    where = conditions("matching", arguments, options.endpoint)
    wire = Wire()
    with dynamodb(options.endpoint) as endpoint:
        rows = [row for kind in KINDS for row in flatness.measure(wire, endpoint, kind, options.sizes, options.events)]
        waves = [fan_out.measure(wire, endpoint, waits) for waits in options.fan_out]
    growth = [flatness.growth(list(of_a_kind)) for _, of_a_kind in groupby(rows, key=lambda row: row.kind)]
    return Report(where, rows, growth, waves)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.matching", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument(
        "--sizes", type=_numbers, default="100,10000,100000", metavar="N,...", help="open waits (default: %(default)s)"
    )
    parser.add_argument(
        "--fan-out", type=_numbers, default="1000,3000,10000", metavar="N,...", help="waits that one event resumes"
    )
    parser.add_argument("--events", type=int, default=200, help=f"of each kind and size, in up to {ROUNDS} rounds")
    parser.add_argument("--endpoint", metavar="URL", help="another DynamoDB than DynamoDB Local, as empty as that")
    return parser.parse_args(argv)


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: write whole numbers from 1 on, such as 100,10000")
    return sorted({int(part) for part in parts})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
