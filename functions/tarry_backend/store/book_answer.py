"""An unusual HTTP answer, read by ``http.client`` and urllib3 from its first byte, as botocore's session reads it."""

from __future__ import annotations

import io
import re
from http.client import HTTPResponse as BookResponse
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from urllib3 import HTTPHeaderDict, HTTPResponse

if TYPE_CHECKING:
    import socket

__all__ = ["book_answer"]


_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
"""The end of a line within a header: it counts as a space (RFC 9112, 5.2)."""


class _Rewound(io.RawIOBase):
    """The bytes that were read of an answer, and then what the socket still has."""

    def __init__(self, read: bytes, rest: socket.socket) -> None:
        self._read = memoryview(read)
        self._rest = rest

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return the file from which ``http.client`` reads."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; 0 at the end."""
        if not self._read:
            return self._rest.recv_into(buffer)
        size = min(len(buffer), len(self._read))
        buffer[:size] = self._read[:size]
        self._read = self._read[size:]
        return size


def book_answer(url: str, read: bytes, rest: socket.socket) -> AWSResponse:
    """Return the answer that begins with these bytes, with its body. It raises what ``http.client`` and urllib3 raise.

    The connection cannot be used afterwards.
    """
    book = BookResponse(_Rewound(read, rest), method="POST")  # type: ignore[arg-type]
    try:
        book.begin()
    except BaseException:
        book.close()  # as http.client's connections do: newer Pythons report one that is left open
        raise
    response = HTTPResponse(
        body=book,
        headers=HTTPHeaderDict((name, _FOLD.sub(" ", value)) for name, value in book.msg.items()),
        status=book.status,
        version=book.version,
        reason=book.reason,
        preload_content=False,
        decode_content=False,
        original_response=book,
        enforce_content_length=False,
        request_method="POST",
    )
    answer = AWSResponse(url, response.status, response.headers, response)  # type: ignore[arg-type]
    assert answer.content is not None  # now, while the socket is open
    return answer
