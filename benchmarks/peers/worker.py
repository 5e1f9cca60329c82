"""A stand-in for Lambda's runtime: it gives events to one handler, and measures each invocation.

Both sides run under this file, each in its own environment, so it needs nothing but the standard library:
``python worker.py FOLDER module:handler``. A request is a line of JSON on standard input, an answer one on standard
output. What the handler prints
goes to standard error.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

MINUTES = 15


class Context:
    """The context object of an invocation."""

    function_name = "bench"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    memory_limit_in_mb = 1024
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    log_group_name = "bench"
    log_stream_name = "bench"
    tenant_id = None
    identity = None
    client_context = None

    def __init__(self) -> None:
        self._end = time.monotonic() + 60 * MINUTES

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that are left."""
        return int(1000 * (self._end - time.monotonic()))


def main(folder: str, target: str) -> None:
    """Answers until its input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, folder)
    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    handler = getattr(module, attribute)
    for text in _lines():
        answers.write(json.dumps(_invoke(handler, text) | {"said": getattr(module, "said", None)}) + "\n")
        answers.flush()


def _lines() -> Iterator[str]:
    while line := sys.stdin.readline():
        yield line


def _invoke(handler: Any, text: str) -> dict[str, Any]:
    """One invocation, from the event's text to the answer's, as Lambda's runtime does it. Times in milliseconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = json.dumps(handler(json.loads(text), Context()))
    cpu_ms, wall_ms = 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)
    return {"answer": answer, "cpu_ms": cpu_ms, "wall_ms": wall_ms}


if __name__ == "__main__":
    main(*sys.argv[1:])
