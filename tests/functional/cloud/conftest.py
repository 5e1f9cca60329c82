"""Clouds whose functions are a test's own: what is proved here is the adapter, not what it carries."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tarry import App
from tarry_dev.cloud import Clock, Cloud, MovedClock, server
from tests.functional.cloud.recorder import Recorder

MakeCloud = Callable[..., Cloud]


@pytest.fixture(autouse=True)
def _servers_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_POLL", 0.005)


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def matcher() -> Recorder:
    return Recorder()


@pytest.fixture
def executor() -> Recorder:
    return Recorder()


@pytest.fixture
def timers() -> Recorder:
    return Recorder()


@pytest.fixture
def make_cloud(app: App, matcher: Recorder, executor: Recorder, timers: Recorder) -> Iterator[MakeCloud]:
    """Makes a cloud of recorders, with a clock that moves only when a test moves it."""
    handlers = {"matcher": matcher, "executor": executor, "timers": timers, "sweep": Recorder()}
    with ExitStack() as life:

        def make(*, clock: Clock | None = None, **options: Any) -> Cloud:
            options = {"handlers": handlers} | options
            return life.enter_context(Cloud(app, clock=clock or MovedClock(), **options))

        yield make


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Cloud:
    return make_cloud()
