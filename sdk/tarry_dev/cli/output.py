"""Standard output and error of a command, and what it does if they cannot be written.

A disk may be full, the reader of a pipe gone (``tarry runs --json | head -1``), a stream closed by the caller.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["failure_of_file", "writable_output"]


@contextmanager
def writable_output() -> Iterator[None]:
    """Within it a command writes. A character that the terminal's encoding lacks is shown as ``?``.

    If its output cannot be written, the command ends with one line and exit code 1; without a line if nobody reads
    its output any more.
    """
    sys.stdout, sys.stderr = _whole(sys.stdout), _whole(sys.stderr)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except OSError as error:
        _drop_output()
        with suppress(OSError):  # standard error may be on the same disk
            sys.stderr.write(f"error: {failure_of_file(error) or f'the output cannot be written: {error.strerror}'}\n")
            sys.stderr.flush()
        _drop_output()
        sys.exit(1)


def _whole(stream: TextIO | None) -> TextIO:
    """Return a stream that writes all or raises."""
    if stream is None:  # the caller has closed it
        return Path(os.devnull).open("w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:  # a stream of a test
        return stream
    raw: object = stream.buffer
    if isinstance(raw, io.RawIOBase):
        # With PYTHONUNBUFFERED nothing stands between. A write may then take a part, and Python drops the rest.
        return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, "replace", line_buffering=True)
    stream.reconfigure(errors="replace")
    return stream


def failure_of_file(error: OSError) -> str | None:
    """Return one line for an error that names its file; ``None`` if it names none."""
    return None if error.filename is None else f"{error.filename}: {error.strerror or error}"


def _drop_output() -> None:
    """Let Python write what is left nowhere: it would complain once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
