"""The embedded cloud on a port: moto's server, a small way in for events, a thread that keeps it moving."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from dataclasses import asdict
from http import HTTPStatus
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import ClosingIterator

from tarry import Event, TarryError
from tarry._wire.steady_logger import steady_logger
from tarry_dev.cloud.advance import Advances
from tarry_dev.cloud.api import ask
from tarry_dev.cloud.callers import Callers
from tarry_dev.cloud.garbage import Garbage
from tarry_dev.cloud.lambda_service import PATH
from tarry_dev.cloud.lookup_service import PATH as LOOKUPS
from tarry_dev.cloud.lookup_service import LookupService
from tarry_dev.cloud.moto_shortcut import ONE_AT_A_TIME, at_aws
from tarry_dev.cloud.sdk_requests import answer_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tarry import App
    from tarry_backend.api.sdk_calls import SdkCalls
    from tarry_backend.deploy.settings import Settings
    from tarry_dev.cloud.audit import Audit
    from tarry_dev.cloud.clock import Clock
    from tarry_dev.cloud.lambda_service import LambdaService
    from tarry_dev.cloud.pump import Pump
    from tarry_dev.cloud.schedules import Schedules
    from tarry_dev.cloud.sweep import Sweep

    Front = Callable[[Request], WSGIApplication | None]

__all__ = ["Server"]

_HOST = "127.0.0.1"

_RUNS = 10
"""How many runs are under way at the same time; a new AWS account may have as many Lambdas."""

_AUDIT = 1.0
"""Seconds between two files of the audit trail."""

_POLL = 0.05
"""Seconds until the server notices that it is to stop."""

_RECEIVE = "AmazonSQS.ReceiveMessage"

_API = ("/events", "/functions", "/runs", "/waits")

_FIELDS = {"name", "data", "id", "user", "ts"}

_log = steady_logger(__name__)


class ServedCloud(Protocol):
    """What a server needs of the cloud that it serves."""

    app: App
    clock: Clock
    region: str
    settings: Settings

    def send(self, events: Sequence[Event]) -> list[str]:
        """Put events on the bus; returns their ids."""


class Server:
    """A cloud, served on the loopback interface, and moved in real time, while this is entered.

    ``url`` is an endpoint for the AWS CLI and SDKs (``--endpoint-url``). Beside AWS's own protocols it takes
    ``POST /events`` with a JSON object, or a list of them, of ``name``, ``data`` and, if wanted, ``id``,
    ``user`` and ``ts``, puts them on the app's bus and answers with their ids. ``/events``, ``/functions``, ``/runs``
    and ``/waits``, and all below them, are the HTTP API's, as it is deployed.
    ``POST /lookups/NAME`` is for the command line. ``POST /advance`` moves the clock, if it is an ``AheadClock``.
    ``GET /health`` says what is served. ``mount`` adds an application, such as the console.
    ``advances`` are the moves of its clock. ``callers`` decides which web pages are answered; pages of this machine,
    unless given. ``sdk_calls`` answers the SDKs of remote apps; it may be set while this is entered.
    """

    def __init__(
        self,
        cloud: ServedCloud,
        pump: Pump,
        sweep: Sweep,
        schedules: Schedules,
        port: int,
        lambdas: LambdaService,
        audit: Audit | None = None,
        callers: Callers | None = None,
        listener: int | None = None,
    ) -> None:
        self.sdk_calls: SdkCalls | None = None
        self._callers = callers or Callers()
        self._cloud = cloud
        self._pump = pump
        self._sweep = sweep
        self._schedules = schedules
        self._lambdas = lambdas
        self._lookups = LookupService(cloud.app, cloud.settings, lambdas.function_name)
        self._aws = DomainDispatcherApplication(create_backend_app)
        self._http = make_server(_HOST, port, self._answer, threaded=True, request_handler=_QuietHandler, fd=listener)
        if listener is not None:
            os.close(listener)  # the server has its own copy
        self._stopping = Flag()
        self._front: Front = _no_front
        self.advances = Advances(cloud.clock, pump, sweep, schedules, self._stopping)
        self._threads = [
            Thread(target=self._http.serve_forever, args=(_POLL,), name="tarry-http", daemon=True),
            Thread(target=self._move, name="tarry-pump", daemon=True),
            *([Thread(target=self._write, args=(audit,), name="tarry-audit", daemon=True)] if audit else []),
        ]

    @property
    def port(self) -> int:
        """The port, also where it was left to the system (0)."""
        return self._http.port

    @property
    def url(self) -> str:
        """The endpoint. By this name: it is the one that moto takes for no bucket's."""
        return f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End. Bodies that run end first; until then requests are answered, since the bodies may send some."""
        self._stopping.set()
        self._pump.wake()
        http, *others = self._threads
        for thread in others:
            thread.join()
        self.advances.close()
        self._http.shutdown()
        http.join()
        self._http.server_close()

    def mount(self, front: Front) -> None:
        """Let an application answer what it wants to: ``front`` returns it for a request, or ``None``."""
        self._front = front

    def hand_over(self) -> int:
        """Return a descriptor of the socket for the process that comes after this one: no request is refused between.

        A request that comes meanwhile waits until the next process takes it.
        """
        listener = os.dup(self._http.fileno())
        os.set_inheritable(listener, True)
        return listener

    def _move(self) -> None:
        with self._pump.side_by_side(_RUNS), Garbage() as garbage:
            self._keep_moving(garbage)

    def _keep_moving(self, garbage: Garbage) -> None:
        minute = self._sweep.next_minute
        while not self._stopping.is_set():
            try:
                if self._cloud.clock.now() >= minute:
                    self._sweep.run()
                    minute = self._sweep.next_minute
                self.advances.run()
                self._schedules.run()
                garbage.look(is_moving=(moved := self._pump.step()) or not self._pump.is_idle)
                if not moved:
                    self._pump.rest(minute)
            except Exception:
                _log.exception("the embedded cloud stumbled, and goes on")
                self._stopping.wait(1)

    def _write(self, audit: Audit) -> None:
        """Beside the pump, so that a run's next step does not wait for a file. The last is written by the cloud."""
        while not self._stopping.wait(_AUDIT):
            audit.try_flush()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if why_not := self._callers.why_not(request):
            refusal = {"error": f"the request is refused: {why_not}"}
            return _json(refusal, HTTPStatus.FORBIDDEN)(environ, start_response)
        if request.path.startswith(PATH) and "Authorization" in request.headers:
            return self._ask_lambda(request)(environ, start_response)
        if (other := self._other(request)) is not None:
            return other(environ, start_response)
        # What is signed is AWS's: a bucket may well be called "events".
        if "Authorization" not in request.headers:
            method = "GET" if request.method == "HEAD" else request.method  # its answer is sent without the body
            match method, request.path:
                case "POST", "/events":
                    return self._take_events(request)(environ, start_response)
                case "POST", "/advance":
                    return self._advance(request)(environ, start_response)
                case "POST", path if path.startswith(LOOKUPS):
                    return self._look_up(request)(environ, start_response)
                case "GET", "/health":
                    return _json(self._health())(environ, start_response)
                case _, path if path in _API or path.startswith(tuple(f"{each}/" for each in _API)):
                    return _ask_api(method, request)(environ, start_response)
        return self._ask_aws(environ, start_response)

    def _other(self, request: Request) -> WSGIApplication | None:
        """Return what answers the request, if it is an SDK's, or for a mounted application."""
        answered = None if self.sdk_calls is None else answer_sdk(self.sdk_calls, request)
        return answered or (None if "Authorization" in request.headers else self._front(request))

    def _ask_aws(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # To receive may take many seconds of waiting: nobody else shall wait for that.
        alone = nullcontext() if environ.get("HTTP_X_AMZ_TARGET") == _RECEIVE else ONE_AT_A_TIME
        with alone, at_aws():
            answer = self._aws(environ, start_response)
            return ClosingIterator(list(answer), getattr(answer, "close", None))  # carried out by now

    def _ask_lambda(self, request: Request) -> Response:
        status, headers, body = self._lambdas.respond(request.path, request.get_data())
        return Response(body, status, headers, mimetype="application/json")

    def _take_events(self, request: Request) -> Response:
        try:
            events = _events(json.loads(request.get_data()))
            return _json({"ids": self._cloud.send(events)})
        except (ValueError, TypeError, RecursionError, TarryError) as error:
            return _json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _advance(self, request: Request) -> Response:
        try:
            return _json(asdict(self.advances.ask(json.loads(request.get_data()))))
        except (ValueError, TypeError, RecursionError, TarryError) as error:
            return _json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _look_up(self, request: Request) -> Response:
        status, body = self._lookups.respond(request.path, request.get_data())
        return _json(body, status)

    def _health(self) -> dict[str, Any]:
        cloud = self._cloud
        return {
            "status": "ok",
            "app": cloud.app.id,
            "functions": sorted(cloud.app.functions),
            "region": cloud.region,
            "settings": asdict(cloud.settings),
        }


def _no_front(_: Request) -> WSGIApplication | None:
    return None


def _ask_api(method: str, request: Request) -> Response:
    path = urlsplit(request.environ.get("RAW_URI", request.path)).path
    status, body = ask(method, path, request.args, request.get_data(as_text=True) or None)
    return Response(body + "\n", status, mimetype="application/json")


class _QuietHandler(MotoRequestHandler):
    """Writes no line for each request: its place is the screen on which runs are shown."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        if type != "info":
            super().log(type, message, *args)


def _events(body: object) -> list[Event]:
    return [_event(entry) for entry in (body if isinstance(body, list) else [body])]


def _event(entry: object) -> Event:
    if not isinstance(entry, dict) or "name" not in entry:
        raise ValueError('an event is a JSON object such as {"name": "order/paid", "data": {"id": 1}}')
    if unknown := sorted(entry.keys() - _FIELDS):
        raise ValueError(f"an event has no field {unknown[0]!r}; its fields are {', '.join(sorted(_FIELDS))}")
    return Event(**entry)


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(body) + "\n", status, mimetype="application/json")
