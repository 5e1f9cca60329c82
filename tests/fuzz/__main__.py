"""``make fuzz``: each entry of Tarry gets odd inputs, until both the time and the number of inputs are reached.

    python -m tests.fuzz [--seconds 600] [--inputs 100000] [--seed N] [ENTRY ...]

Hypothesis makes the inputs, and shrinks one that breaks something. The entries take turns, each with an embedded cloud
of its own; one process for each core. A broken entry has no more turns. What is found becomes a test beside the code.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning

from tarry_dev.cloud import Cloud
from tests.fuzz.entries import ENTRIES, Entry
from tests.fuzz.shop import shop

__all__ = ["main", "turn"]

PLAYS = 30
"""In one turn, times the entry's weight. Each turn has a new cloud, since moto slows down as its table grows."""

_SHOWN = 4_000


@dataclass
class Tally:
    """What an entry has had: its inputs, its CPU seconds, the slowest play, and what broke it."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    finding: str | None = None
    last: Any = field(default=None, repr=False)


def turn(entry: type[Entry], tally: Tally, number: int, plays: int | None = None) -> None:
    """Have an entry play with the inputs that follow from a number."""
    with Cloud(shop()) as cloud:
        playing = entry(cloud)

        @seed(number)
        @settings(
            max_examples=plays or PLAYS * entry.weight,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        @given(entry.inputs)
        def play(given: Any) -> None:
            tally.last = given
            began = time.process_time()
            tally.inputs += playing.play(given)
            took = time.process_time() - began
            tally.seconds += took
            tally.slowest = max(tally.slowest, took)

        try:
            play()
        except Exception:
            tally.finding = f"seed {number}, input:\n{str(tally.last)[:_SHOWN]!r}\n{traceback.format_exc()[-_SHOWN:]}"


def fuzz(names: Sequence[str], seconds: float, inputs: int, first: int, step: int) -> int:
    """Give the entries their turns; return how many are broken."""
    tallies = {name: Tally() for name in names}
    began, number = time.monotonic(), first
    for name in cycle(names):
        done = sum(tally.inputs for tally in tallies.values())
        is_over = time.monotonic() - began >= seconds and done >= inputs
        if is_over and all(tally.inputs or tally.finding for tally in tallies.values()):
            break
        if all(tally.finding for tally in tallies.values()):
            break
        if tallies[name].finding is None:
            turn(ENTRIES[name], tallies[name], number)
            number += step
    for name, tally in tallies.items():
        print(
            f"{name:12} {tally.inputs:8,} inputs {tally.seconds:7.1f} s of CPU, the slowest play {tally.slowest:.2f} s"
            + (f"\nFOUND in {name}: {tally.finding}" if tally.finding else ""),
            flush=True,
        )
    return sum(tally.finding is not None for tally in tallies.values())


def main(arguments: Sequence[str]) -> int:
    """Return 1 if an entry is broken."""
    parser = argparse.ArgumentParser("make fuzz", description="Give odd inputs to the entries of Tarry.")
    parser.add_argument("--seconds", type=float, default=600, help="at least")
    parser.add_argument("--inputs", type=int, default=100_000, help="at least, of all entries together")
    parser.add_argument("--seed", type=int, default=None, help="of the first turn; a new one by default")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("entries", nargs="*", metavar="ENTRY", help=", ".join(ENTRIES))
    given = parser.parse_args(arguments)
    names = given.entries or list(ENTRIES)
    if unknown := set(names) - set(ENTRIES):
        parser.error(f"no entry {', '.join(sorted(unknown))}; there are {', '.join(ENTRIES)}")
    cores = os.cpu_count() or 1
    if given.worker is not None:
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore", HypothesisWarning)  # of inputs that are long to print
        return fuzz(names, given.seconds, given.inputs, given.seed + given.worker, cores)
    first = given.seed if given.seed is not None else time.time_ns() % 1_000_000_000
    print(f"{cores} processes; the first seed is {first}", flush=True)
    again = [sys.executable, "-m", "tests.fuzz", *names, "--seconds", str(given.seconds), "--seed", str(first)]
    workers = [
        subprocess.Popen([*again, "--inputs", str(-(-given.inputs // cores)), "--worker", str(worker)])
        for worker in range(cores)
    ]
    return max(worker.wait() for worker in workers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
