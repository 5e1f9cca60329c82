"""What the tests of remote apps stand on: an app by a real SDK in a process of its own, and the door it calls."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from tarry import Event
from tarry_backend.api.sdk_calls import SdkCall, SdkCalls
from tarry_dev.cloud import Cloud, Host, MovedClock
from tarry_dev.cloud.crash import Invocation
from tarry_dev.cloud.remote_apps import RemoteApps
from tests.aws_requests import Bystander

if TYPE_CHECKING:
    from tarry_dev.cloud.runs import HostedRun

NODE = Path(__file__).parent / "node"

PYTHON = Path(__file__).parents[3] / ".venv-apps/bin/python"

KEY = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff"


class Door:
    """Where SDKs call: it passes each call to the cloud of the moment."""

    def __init__(self) -> None:
        self.calls: SdkCalls | None = None
        self.seen: list[str] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else a body waits 40 ms behind its head

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                door.seen.append(f"{self.command} {self.path}")
                call = SdkCall(self.command, self.path.partition("?")[0], headers, body)
                with Invocation("gateway", None, Bystander()):
                    status, document = (door.calls.answer(call) if door.calls else None) or (404, {})
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class SdkApp:
    """A process that serves functions by a real SDK: ``node/app.mjs`` or ``python/app.py``. ``id`` is the app's."""

    port: int
    door: Door
    id: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/inngest"

    def bodies(self, run: HostedRun) -> dict[str, int]:
        """How often each body has run for a run."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/bodies") as answer:
            seen = json.load(answer)
        return Counter(each["name"] for each in seen if each["runId"] == run.id)


def node_app(door: Door, version: int, **environment: str) -> AbstractContextManager[SdkApp]:
    """The app by npm ``inngest``, in one of two versions."""
    return _app(["node", "app.mjs"], NODE, door, f"shop{version}", SDK=str(version), **environment)


def lambda_app(door: Door, version: int, **environment: str) -> AbstractContextManager[SdkApp]:
    """The same app by ``inngest/lambda``: a port plays Lambda's Invoke."""
    return _app(["node", "lambda.mjs"], NODE, door, f"shop{version}", SDK=str(version), **environment)


def example_app(door: Door, program: Path) -> AbstractContextManager[SdkApp]:
    """The bundled example in TypeScript."""
    return _app(["node", str(program)], program.parent, door, "shop", INNGEST_DEV=door.url, PORT="0")


def go_app(door: Door, program: Path, **environment: str) -> AbstractContextManager[SdkApp]:
    """The app by inngestgo, as it was built."""
    return _app([str(program)], program.parent, door, "goshop", **environment)


def python_app(door: Door, **environment: str) -> AbstractContextManager[SdkApp]:
    """The app by PyPI ``inngest``, over FastAPI."""
    return _app([str(PYTHON), "app.py"], NODE.with_name("python"), door, "pyshop", **environment)


@contextmanager
def _app(command: list[str], folder: Path, door: Door, app_id: str, **environment: str) -> Iterator[SdkApp]:
    variables = {"PATH": os.environ["PATH"], **environment}
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline()
        assert port.strip().isdigit(), "the app did not start; make test sets up what it needs"
        yield SdkApp(int(port), door, app_id)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


@dataclass(frozen=True)
class Shop:
    """A remote app on an embedded cloud: its functions' ids begin with the app's."""

    host: Host
    app: SdkApp

    @property
    def cloud(self) -> Cloud:
        return self.host.cloud

    def send(self, name: str, **data: Any) -> str:
        [event_id] = self.host.send(Event(f"shop/{name}", data))
        return event_id

    def run(self, function: str) -> HostedRun:
        return self.host.run(f"{self.app.id}-{function}")

    def result(self, function: str) -> Any:
        return self.host.result(f"{self.app.id}-{function}")

    def bodies(self, function: str) -> dict[str, int]:
        return dict(self.app.bodies(self.run(function)))


@contextmanager
def shop(app: SdkApp, key: str | None = None, **options: Any) -> Iterator[Shop]:
    """Host the app, synced."""
    remote = RemoteApps((app.url,), key=key, event_key="test" if key else None)
    clock = MovedClock(datetime.now(UTC))  # the app's process has the time of day
    with Cloud(remote.app, clock=clock, punctual=True, **options) as cloud:
        app.door.calls = remote.calls
        [synced] = remote.sync()
        assert synced.why_not is None, synced.why_not
        yield Shop(Host(cloud), app)
    app.door.calls = None
