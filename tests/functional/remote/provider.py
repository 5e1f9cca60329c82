"""A service of a third party, which the executor calls in an app's place."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import Self

__all__ = ["Answered", "Asked", "Provider"]


@dataclass(frozen=True)
class Asked:
    """A request that has come. The names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answered:
    """What it answers, after a pause in seconds."""

    status: int = 200
    body: bytes = b'{"answer": 42}'
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    meeting: Barrier | None = None
    """Where this answer waits for others."""


class Provider:
    """Gives the answers of ``coming`` first, then by the path those of ``pages``, then 200. ``asked`` is what came."""

    def __init__(self) -> None:
        self.coming: list[Answered] = []
        self.pages: dict[str, Answered] = {}
        self.asked: list[Asked] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.asked.append(Asked(self.command, self.path, headers, body))
                answer = provider.coming.pop(0) if provider.coming else provider.pages.get(self.path, Answered())
                time.sleep(answer.pause)
                if answer.meeting is not None:
                    answer.meeting.wait(60)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
