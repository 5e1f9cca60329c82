"""How far a long reading has come: a line on the terminal's standard error, which goes when it is over."""

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
"""How many pages of a table are read at most: 200 MB, which cost a third of a US cent."""

_STRIDE = 100


def counted(items: Iterable[T], what: str) -> Iterator[T]:
    """The items, one by one; meanwhile the line says how many there have been."""
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
    """Gives what a reader tells the number of each page that it has read: it answers whether to read on."""
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
            f"the table is large, and after {pages} MB of it the reading stopped, so there may be more events; "
            "give a NAME, or ask the audit trail: --sql"
        )
