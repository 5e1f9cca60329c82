"""What may happen to a request on its way: answers in odd forms, cut off, late, or none at all."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode

from tests.functional.roads.scripted import Reply, answered

__all__ = ["EXCHANGES"]


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n", size: int = 7) -> Reply:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Reply(
        (head, *(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts), end), "close" if not end else "keep"
    )


LARGE = json.dumps({"Item": {"pk": {"S": "a"}, "b": {"B": b64encode(bytes(600_000)).decode()}}}).encode()
SMALL = json.dumps({"Item": {"pk": {"S": "a"}}}).encode()
WHOLE = answered(SMALL).pieces[0]
HEAD = WHOLE.partition(b"\r\n\r\n")[0].split(b"\r\n")


def _with(*lines: bytes, body: bytes = SMALL, status: bytes = b"HTTP/1.1 200 OK") -> Reply:
    return Reply((b"\r\n".join([status, *lines]) + b"\r\n\r\n" + body,))


LENGTH = f"Content-Length: {len(SMALL)}".encode()

EXCHANGES: dict[str, list[Reply]] = {
    "byte by byte": [Reply(tuple(WHOLE[i : i + 1] for i in range(len(WHOLE))))],
    "large": [answered(LARGE)],
    "large, in pieces": [Reply((answered(LARGE).pieces[0][:70_000], answered(LARGE).pieces[0][70_000:]))],
    "chunked": [chunked(SMALL)],
    "chunked, large": [chunked(LARGE, size=50_000)],
    "chunked, cut off": [chunked(SMALL, end=b""), answered(SMALL)],
    "chunked, cut off each time": [chunked(SMALL, end=b"")] * 3,
    "chunked, no size": [chunked(SMALL, end=b"zz\r\n\r\n")] * 3,
    "gzip": [answered(gzip.compress(SMALL, mtime=0), Content_Encoding="gzip")],
    "wrong checksum, then right": [answered(SMALL, crc=1), answered(SMALL)],
    "wrong checksum each time": [answered(SMALL, crc=1)] * 3,
    "no checksum": [answered(SMALL, x_amz_crc32="-")],
    "body cut off, with checksum": [Reply((WHOLE[:-5],), "close"), answered(SMALL)],
    "body cut off, with checksum, each time": [Reply((WHOLE[:-5],), "close")] * 3,
    "body cut off, without checksum": [Reply((_with(LENGTH).pieces[0][:-5],), "close")],
    "head cut off": [Reply((WHOLE[:40],), "close")] * 3,
    "head cut off in a line's end": [Reply((b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n",), "close")] * 3,
    "no answer, then one": [Reply((), "close"), answered(SMALL)],
    "no answer each time": [Reply((), "close")] * 3,
    "reset, then an answer": [Reply((), "reset"), answered(SMALL)],
    "reset each time": [Reply((), "reset")] * 3,
    "reset in the head": [Reply((WHOLE[:40],), "reset")] * 3,
    "silence, then an answer": [Reply((), "silence"), answered(SMALL)],
    "silence each time": [Reply((), "silence")] * 3,
    "silence in the head": [Reply((WHOLE[:40],), "silence")] * 3,
    "silence in the body": [Reply((WHOLE[:-5],), "silence")] * 3,
    "the server closes after each": [answered(SMALL, Connection="close")],
    "more than announced": [Reply((WHOLE + b"more",), "close")],
    "no reason": [_with(LENGTH, status=b"HTTP/1.1 200")],
    "HTTP/1.0": [Reply((_with(LENGTH, status=b"HTTP/1.0 200 OK").pieces[0],), "close")],
    "HTTP/2": [_with(LENGTH, status=b"HTTP/2 200 OK")] * 3,
    "no HTTP": [_with(LENGTH, status=b"hello")] * 3,
    "no status": [_with(LENGTH, status=b"HTTP/1.1 abc OK")] * 3,
    "first continue": [Reply((b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,))],
    "no length, then closed": [Reply((_with().pieces[0],), "close")],
    "no length": [_with(body=b"", status=b"HTTP/1.1 204 No Content")],
    "a length twice": [_with(LENGTH, LENGTH)],
    "an odd length": [Reply((_with(b"Content-Length: x").pieces[0],), "close")],
    "a header twice": [_with(LENGTH, b"x-amzn-RequestId: a", b"X-Amzn-RequestId: b")],
    "a header of two lines": [_with(LENGTH, b"x-amzn-RequestId: a", b" b")],
    "a header without a colon": [_with(LENGTH, b"nothing")],
    "a header in Latin": [_with(LENGTH, b"x-amzn-RequestId: \xe4")],
    "a header without a space": [_with(LENGTH, b"x-amzn-RequestId:a")],
    "a header with spaces": [_with(LENGTH, b"x-amzn-RequestId:   a b  ")],
    "a header with a tab": [_with(LENGTH, b"x-amzn-RequestId:\ta")],
    "headers in other letters": [_with(LENGTH.upper(), b"X-AMZN-REQUESTID: a", b"X-AMZ-CRC32: 1")] * 3,
    "a page of a proxy": [_with(b"Content-Length: 24", body=b"<html>unavailable</html>", status=b"HTTP/1.1 503 No")]
    * 3,
    "nothing, and an error": [answered(b"", 500)] * 3,
    "no JSON": [answered(b"{")],
    "a redirection": [answered(b"", 307, Location="http://127.0.0.1:9/")],
    "an error twice, then an answer": [answered({"__type": "InternalServerError"}, 500)] * 2 + [answered(SMALL)],
}
