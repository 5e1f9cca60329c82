"""The way over HTTP: what the network, and an app at its worst, do to a request."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from tarry_backend.remote.answers import AppError
from tarry_backend.remote.connection import Call
from tarry_backend.remote.transport import Http

ANSWER = b"HTTP/1.1 200 OK\r\nX-Inngest-SDK: js\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(*turns: Callable[[socket.socket], None]) -> Iterator[str]:
    """Give each connection its turn. A turn has read the request."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for turn in turns:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                turn(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    thread.join(10)
    listener.close()


def ask(url: str, patience: float = 5.0) -> bytes:
    return Http(url).send(Call("POST", {"fnId": "f"}, {}, b"{}", patience)).body


def hang_up(_: socket.socket) -> None:
    """Answer nothing."""


def answer(connection: socket.socket) -> None:
    connection.sendall(ANSWER)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        try:
            connection.sendall(b" ")
        except OSError:
            return
        time.sleep(0.05)


def test_a_connection_that_the_app_closes_at_this_moment_is_replaced_by_another() -> None:
    with server(hang_up, answer) as url:
        assert ask(url) == b"{}"


def test_an_app_that_hangs_up_twice_has_not_answered() -> None:
    with server(hang_up, hang_up) as url, pytest.raises(AppError, match="no answer"):
        ask(url)


def test_an_app_that_drips_is_cut_off_in_time() -> None:
    with server(drip) as url, pytest.raises(AppError, match="no answer"):
        ask(url, 0.5)


def test_nobody_at_the_address_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with pytest.raises(AppError, match="no answer"):
        ask(url)
