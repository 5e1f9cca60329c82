"""A bank on loopback that counts what it is asked for, and clients of it such as a module holds."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import anyio
import httpx

__all__ = ["AnyioClient", "Bank", "Client", "HttpxClient", "Pool", "bank"]


@dataclass
class Bank:
    """Where the server listens, and how often each path was asked for."""

    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)


@contextmanager
def bank() -> Iterator[Bank]:
    """A bank that is open. It keeps connections alive, as servers do."""
    opened = Bank()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms behind its head

        def do_POST(self) -> None:
            opened.seen[self.path] += 1
            self.send_response(200)
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"paid")

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        opened.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield opened
        server.shutdown()
        thread.join()


class Client(Protocol):
    """A client of the bank."""

    async def post(self, path: str) -> str:
        """Sends a request; gives the answer."""

    async def close(self) -> None:
        """Closes its connections."""


class Pool:
    """A client with a pool of connections, made of asyncio alone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str) -> str:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(_request(path))
        await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(4)
        self._idle.append((reader, writer))
        return answer.decode()

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
            await writer.wait_closed()


class HttpxClient:
    """httpx, which keeps a pool as well."""

    def __init__(self, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def post(self, path: str) -> str:
        return (await self._client.post(path)).text

    async def close(self) -> None:
        await self._client.aclose()


class AnyioClient:
    """One connection for all, and a lock before it; both are AnyIO's."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = anyio.Lock()
        self._stream: anyio.abc.SocketStream | None = None

    async def post(self, path: str) -> str:
        async with self._lock:
            if self._stream is None:
                self._stream = await anyio.connect_tcp("127.0.0.1", self._port)
            await self._stream.send(_request(path))
            answer = b""
            while not answer.endswith(b"\r\n\r\npaid"):
                answer += await self._stream.receive()
        return answer[-4:].decode()

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()


def _request(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: bank\r\ncontent-length: 0\r\n\r\n".encode()
