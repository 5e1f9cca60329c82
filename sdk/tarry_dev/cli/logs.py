"""Log lines on the screen, instead of the JSON that Lambdas write for CloudWatch."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from tarry import TarryError
from tarry_backend.clock import now
from tarry_backend.executor.attempt_report import ATTEMPTS
from tarry_backend.log_lines import NotTarry, WrittenOnce, logger
from tarry_dev.cli.describe import SHORT, near
from tarry_dev.cli.screen import BAD, QUIET
from tarry_dev.cli.times import Calendar
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

__all__ = ["log_lines"]


@contextmanager
def log_lines(console: Console, on_attempt: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Within it, warnings and everything that runs log with ``ctx.logger`` are lines on the console.

    A failed attempt is no line. ``on_attempt`` is called with its run's id instead.
    """
    lines, others = _LogLines(console, on_attempt), _LogLines(console, on_attempt)
    root, runs = logging.getLogger(), logging.getLogger("tarry.run")
    before, level = logger.handlers[:], runs.level
    lines.addFilter(WrittenOnce())
    others.addFilter(NotTarry())
    logger.handlers[:] = [lines]  # not the root's alone: the app may replace those
    root.addHandler(others)
    runs.setLevel(logging.INFO)
    try:
        yield
    finally:
        runs.setLevel(level)
        root.removeHandler(others)
        logger.handlers[:] = before


class _LogLines(logging.Handler):
    def __init__(self, console: Console, on_attempt: Callable[[str], None]) -> None:
        super().__init__()
        self._console = console
        self._on_attempt = on_attempt

    def emit(self, record: logging.LogRecord) -> None:
        run_id, function = getattr(record, "run_id", ""), getattr(record, "function_id", "")
        if record.name == ATTEMPTS:
            self._on_attempt(run_id)
            return
        who = f"{function} {run_id[:SHORT]}" if run_id else record.name
        at = Calendar(now()).at(int(record.created * 1000))
        style = BAD if record.levelno >= logging.ERROR else QUIET
        line = Text.assemble(
            (at, QUIET), "  ", (one_line(who), "bold"), "  ", (f"log: {near(self._text(record))}", style)
        )
        self._console.print(line, soft_wrap=True)

    def _text(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        # Tarry's own errors say what is wrong; any other one needs its stack.
        return f"{record.getMessage()}: {error}" if isinstance(error, TarryError) else self.format(record)
