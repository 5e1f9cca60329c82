"""A program in the place of an app: it answers what a test says, as an SDK, as a proxy, or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

from tarry_backend.remote.signatures import signature

SDK = {"x-inngest-sdk": "js:v0.0.0"}


@dataclass
class Reply:
    """``signed_at`` is when the answer was signed, in Unix seconds, if it is."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=lambda: dict(SDK))
    pause: float = 0.0
    key: str | None = None
    signed_at: int | None = None


def step_of(fn_id: str, event: str, **options: Any) -> dict[str, Any]:
    """A function as an SDK describes it."""
    steps = {"step": {"id": "step", "name": "step", "runtime": {"type": "http", "url": "http://x"}}}
    return {"id": fn_id, "name": fn_id, "triggers": [{"event": event}], "steps": steps, **options}


class Impostor:
    """Answers each call with what ``replies`` returns for its document. ``asked`` are these documents."""

    def __init__(
        self,
        functions: list[dict[str, Any]],
        replies: Callable[[dict[str, Any]], Reply],
        key: str | None = None,
        app_id: str = "fake",
        sdk: str = SDK["x-inngest-sdk"],
    ) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        impostor = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                headers = {"x-inngest-sdk": sdk, "x-inngest-sync-kind": "in_band"}
                self._send(Reply(200, {"app_id": app_id, "functions": functions}, headers, key=key))

            def do_POST(self) -> None:
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                impostor.asked.append({**document, "path": self.path})
                impostor.headers.append({name.lower(): value for name, value in self.headers.items()})
                self._send(replies(document))

            def _send(self, reply: Reply) -> None:
                time.sleep(reply.pause)
                text = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
                headers = dict(reply.headers)
                if reply.key:
                    headers["x-inngest-signature"] = signature(reply.key, text, reply.signed_at or int(time.time()))
                self.send_response(reply.status)
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._handler = Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}/api/inngest"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_down()

    def go_down(self) -> None:
        """Refuse connections."""
        self._server.shutdown()
        self._server.server_close()

    def come_up(self) -> None:
        """Answer again, at the same address."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        self.__enter__()
