"""Requests that an app leaves to its server: of an AI model, by ``step.ai.infer``."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.functional.remote.stage import Shop


class Model:
    """A provider of a model. ``statuses`` are those of its next answers, then 200; ``asked`` is what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[tuple[str | None, Any]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.asked.append((self.headers["Authorization"], body))
                self.send_response(model.statuses.pop(0) if model.statuses else 200)
                self.end_headers()
                self.wfile.write(b'{"answer": 42}')

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    Thread(target=model.server.serve_forever, args=(0.02,), daemon=True).start()
    yield model
    model.server.shutdown()
    model.server.server_close()


def test_a_model_is_asked_once_with_its_key(shop_of: Shop, model: Model) -> None:
    shop_of.send("fetches", url=model.url)
    assert shop_of.result("fetches") == {"answer": 42}
    assert model.asked == [("Bearer secret", {"ask": "how many?"})]


def test_a_model_that_refuses_is_asked_again(shop_of: Shop, model: Model) -> None:
    model.statuses = [500, 429]
    shop_of.send("fetches", url=model.url)
    assert shop_of.run("fetches").status == "running"
    shop_of.host.advance("2m")
    assert shop_of.result("fetches") == {"answer": 42}
    assert len(model.asked) == 3
