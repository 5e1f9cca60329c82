"""What a test may leave behind in its process, and must not: variables, clouds, runtimes, threads."""

import os
import sys
import threading
from collections.abc import Iterator
from itertools import chain
from time import monotonic, sleep

__all__ = ["PATIENCE", "SHARED", "Leftovers"]

PATIENCE = 2.0
"""How many seconds a thread has to end after its test."""

SHARED = {
    "thread process.stderr_sink",  # the CDK's Node process: all tests of the infrastructure share it
}
"""What fixtures of a module or of the session keep open from one test to the next, each with its reason."""

_SERVING = {"tarry-http", "tarry-pump", "tarry-audit"}
"""The threads of a served cloud. They are daemons, so their names tell them."""


class Leftovers:
    """What has been left behind since the last look: the test in between has left it."""

    def __init__(self) -> None:
        self._known = _present()

    def new(self) -> list[str]:
        """What is there now, was not there at the last look, and is not shared. Waits for threads that are ending."""
        if _present() == self._known:
            return []
        end = monotonic() + PATIENCE
        while _has_thread(left := self._left()) and monotonic() < end:
            sleep(0.01)
        self._known |= left
        self._known &= _present()
        return sorted(left)

    def _left(self) -> set[str]:
        return _present() - self._known - SHARED


def _has_thread(left: set[str]) -> bool:
    return any(each.startswith("thread ") for each in left)


def _present() -> set[str]:
    return set(chain(_variables(), _clouds(), _threads()))


def _variables() -> Iterator[str]:
    for name in os.environ:
        if name.startswith("TARRY_") or name == "AWS_ENDPOINT_URL":
            yield f"variable {name}={os.environ[name]}"


def _clouds() -> Iterator[str]:
    """Looks only at what is loaded: most tests need neither."""
    account, runtime = (sys.modules.get(name) for name in ("tarry_dev.cloud.account", "tarry_backend.runtime"))
    if account is not None and account._open.locked():
        yield "an open embedded cloud"
    if runtime is not None and runtime._hosted is not None:
        yield f"a hosted app, {runtime._hosted.id!r}"
    if runtime is not None and runtime._runtime.cache_info().currsize:
        yield "a runtime"


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and (not thread.daemon or thread.name in _SERVING):
            yield f"thread {thread.name}"
