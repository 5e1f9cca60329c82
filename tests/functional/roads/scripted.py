"""A server on loopback that answers each request with the next bytes of a script, and notes what it got."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from binascii import crc32
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

__all__ = ["Reply", "Scripted", "answered", "scripted"]


@dataclass(frozen=True)
class Reply:
    """Bytes of an answer, in pieces, and then: ``keep``, ``close``, ``reset``, or ``silence`` of the connection."""

    pieces: tuple[bytes, ...]
    then: str = "keep"


def answered(body: object, status: int = 200, *, crc: int | None = None, **headers: str) -> Reply:
    """Return a whole answer, as DynamoDB gives one. An underscore in a header's name is a hyphen."""
    text = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    lines = {
        "Server": "Server",
        "Date": "Mon, 05 Jan 2026 12:00:00 GMT",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(text)),
        "Connection": "keep-alive",
        "x-amzn-RequestId": "REQUEST",
        "x-amz-crc32": str(crc32(text) if crc is None else crc),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "-")
    return Reply((f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + text,))


@dataclass
class Scripted:
    """The server: what it answers next, and what it got. Without a reply it closes the connection."""

    port: int
    script: list[Reply] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: Event = field(default_factory=Event)
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self, script: list[Reply]) -> None:
        """Forget what it got, and answer so from now on."""
        self.script, self.requests, self.connections = list(script), [], 0

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until it is closed."""
        while not self.over.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                self.connections += 1
                Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection if self.tls is None else self.tls.wrap_socket(connection, server_side=True)

    def _serve_one(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with closing(connection), suppress(OSError), self._secured(connection) as secured:
            connection = secured
            while (request := _request(connection)) and self.script:
                self.requests.append(request)
                reply = self.script.pop(0)
                for piece in reply.pieces:
                    connection.sendall(piece)
                if reply.then == "silence":
                    self.over.wait(5)
                if reply.then == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if reply.then != "keep":
                    return


def _request(connection: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        if not (more := connection.recv(65_536)):
            return b""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """A server for the block."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(0.1)
        server = Scripted(listener.getsockname()[1], tls=tls)
        thread = Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            thread.join()
