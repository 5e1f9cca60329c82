"""The progress of a long read: a line on the terminal's standard error, removed at the end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tarry_dev.cli.screen import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["PAGES", "bounded_reading", "counted"]

T = TypeVar("T")

PAGES = 200
"""The most pages of a table to read: 200 MB, which cost a third of a US cent."""

_STRIDE = 100


def counted(items: Iterable[T], what: str) -> Iterator[T]:
    """Yield the items, and show their number so far."""
    shown = sys.stderr.isatty()
    try:
        for number, item in enumerate(items, start=1):
            if shown and number % _STRIDE == 0:
                sys.stderr.write(f"\r{what} {number:,} ")
                sys.stderr.flush()
            yield item
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")


@contextmanager
def bounded_reading(pages: int = PAGES) -> Iterator[Callable[[int], bool]]:
    """Return a function that a reader calls with each page's number: it returns whether to read on."""
    shown, cut = sys.stderr.isatty(), False

    def read(page: int) -> bool:
        nonlocal cut
        if shown:
            sys.stderr.write(f"\rread {page} MB of the table ")
            sys.stderr.flush()
        cut = page >= pages
        return not cut

    try:
        yield read
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
    if cut:
        note(
            f"the table is large: the command stopped after {pages} MB, so there may be more events; give a NAME, or "
            "query the audit trail with --sql"
        )
