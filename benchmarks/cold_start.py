"""What each Lambda loads at its cold start, by package: self time of imports, the least of several processes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

_LOADS = {
    "what it cannot do without": "import botocore.session, pynamodb.models",
    "executor": "import tarry_backend.handlers.executor, tarry_backend.executor",
    "matcher": "import tarry_backend.handlers.matcher, tarry_backend.matcher",
    "timers": "import tarry_backend.handlers.timers, tarry_backend.timers",
    "the SDK alone": "import tarry",
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_PROCESSES = 7
_SHOWN = 6


def main() -> None:
    """Prints a line for each Lambda: modules, milliseconds, and the packages that cost most."""
    for name, statement in _LOADS.items():
        loads = [_load(statement) for _ in range(_PROCESSES)]
        microseconds, modules = min(loads, key=lambda load: sum(load[0].values()))
        most = ", ".join(f"{package} {spent / 1000:.0f}" for package, spent in microseconds.most_common(_SHOWN))
        print(f"{name:26} {modules:4} modules {sum(microseconds.values()) / 1000:5.0f} ms: {most}")


def _load(statement: str) -> tuple[Counter[str], int]:
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement], capture_output=True, text=True, check=True
    ).stderr
    found = _LINE.findall(report)
    microseconds: Counter[str] = Counter()
    for spent, module in found:
        microseconds[module.partition(".")[0]] += int(spent)
    return microseconds, len(found)
