"""``python -m benchmarks.cost``: what each row of docs/cost.md takes of a Lambda's time, measured and computed.

The Lambdas' own handlers run as a process each, over HTTP on loopback: DynamoDB Local, and a stand-in for SQS and
EventBridge. The benchmark measures the CPU time of the Lambda's process, the requests that it makes one after the
other, and the write units of DynamoDB. A row that no message has for itself is the difference of two messages.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks.cost.app import STEPS, TOLD
from benchmarks.cost.price import Cost, typical
from benchmarks.cost.report import Report, Row
from benchmarks.cost.scene import event, scene
from benchmarks.frame import conditions, dynamodb, progress, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cost.scene import Scene

__all__ = ["main"]

_TEN = 10
_WARM_UP = 3
_SETTLED = 130
"""Seconds after which a wait looks into the log by its key alone: two minutes after its name's shape is known."""

_PAST_DEADLINE = 2.7
"""Seconds after which a deadline of one second has passed, for its marker, too."""

Costs = dict[str, list[Cost]]


def main(argv: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--rounds", type=int, default=8, metavar="N", help="default: %(default)s")
    parser.add_argument("--endpoint", metavar="URL", help="another DynamoDB than DynamoDB Local, as empty as that")
    options = parser.parse_args(argv)
    return run(lambda: _measured(options.rounds, options.endpoint), options.json)


def _measured(rounds: int, endpoint: str | None) -> Report:
    where = conditions("cost", {"rounds": rounds}, endpoint)
    costs: Costs = defaultdict(list)
    with dynamodb(endpoint) as url, TemporaryDirectory() as scratch, scene(url, Path(scratch)) as lambdas:
        for number in range(-_WARM_UP, rounds):
            if number == 0:
                time.sleep(_SETTLED)
                costs.clear()  # what was so far has warmed the processes up
            progress("warm-up" if number < 0 else f"round {number + 1} of {rounds}")
            _round(lambdas, costs)
    return Report(where, _rows({name: typical(each) for name, each in costs.items()}))


def _round(lambdas: Scene, costs: Costs) -> None:
    for name in ("ends", "steps", "sleeps", "fails"):
        _start(lambdas, costs, name, 3)
    for count in (1, _TEN):
        suffix = " ten" if count == _TEN else ""
        _waits(lambdas, costs, count, suffix)
        _deadlines(lambdas, costs, count, suffix)
        costs["nobody" + suffix].append(lambdas.invoke("matcher", [event("cost/nobody", "0")] * count))


def _start(lambdas: Scene, costs: Costs, name: str, count: int) -> None:
    for _ in range(count):
        lambdas.invoke("matcher", [event(f"cost/{name}", "0")])
        costs[name] += _execute(lambdas, 1)
    lambdas.forget("timers")


def _waits(lambdas: Scene, costs: Costs, count: int, suffix: str) -> None:
    runs = [str(uuid4()) for _ in range(count)]
    costs["starts" + suffix].append(lambdas.invoke("matcher", [event("cost/waits", each) for each in runs]))
    costs["start, wait"] += _execute(lambdas, count)
    costs["settle" + suffix].append(lambdas.invoke("timers", lambdas.take("timers", count)))
    for then in ("resume, wait", "resume, end"):
        costs["told" + suffix].append(lambdas.invoke("matcher", [event(TOLD, each) for each in runs]))
        costs[then] += _execute(lambdas, count)
        lambdas.forget("timers")


def _deadlines(lambdas: Scene, costs: Costs, count: int, suffix: str) -> None:
    lambdas.invoke("matcher", [event("cost/times-out", str(uuid4())) for _ in range(count)])
    _execute(lambdas, count)
    timers = lambdas.take("timers", count)
    time.sleep(_PAST_DEADLINE)
    costs["due" + suffix].append(lambdas.invoke("timers", timers))
    costs["marker" + suffix].append(lambdas.invoke("matcher", lambdas.take("events", count)))
    costs["deadline, end"] += _execute(lambdas, count)


def _execute(lambdas: Scene, count: int) -> list[Cost]:
    """Invoke the executor once for each message, as its mapping does."""
    return [lambdas.invoke("executor", [body]) for body in lambdas.take("runs", count)]


def _rows(found: dict[str, Cost]) -> Sequence[Row]:
    """Return the rows of the page. A sleep is a step's write, and one in the due index: the rest of it is the start."""
    tenth = {
        name: found[f"{name} ten"] * (1 / _TEN) for name in ("starts", "told", "nobody", "settle", "due", "marker")
    }
    step = (found["steps"] - found["ends"]) * (1 / STEPS)
    start = found["sleeps"] - step - Cost(writes=1)
    end, failed = found["ends"] - start, found["fails"] - start
    wait = found["start, wait"] - start
    resume, deadline = found["resume, wait"] - wait, found["deadline, end"] - end
    return [
        Row("events", found["starts"], tenth["starts"]),
        Row("awaited", found["told"], tenth["told"]),
        Row("runs", start, start),
        Row("steps", step, step),
        Row("waits", wait + found["settle"], wait + tenth["settle"]),
        Row("resumes", resume, resume),
        Row(
            "timeouts",
            found["due"] + found["marker"] + deadline,
            tenth["due"] + tenth["marker"] + deadline,
        ),
        Row("ends", end, end),
        Row("announced", failed + found["nobody"], failed + tenth["nobody"]),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
