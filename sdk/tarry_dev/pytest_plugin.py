"""Fixtures for tests of apps: the app on an embedded cloud whose clock the test moves.

    def test_nudge(tarry):
        host = tarry(app)
        host.send("app/account.created", {"userId": "7", "email": "a@example.com"})
        run = host.run("onboarding")
        assert run.status == "running"
        host.advance("3d")
        assert run.output == "nudged"
        assert list(run.steps) == ["send-welcome-email", "wait-for-onboarding", "send-nudge-email"]

The functions run in the test's process, through the handlers that are deployed, against moto: nothing leaves
the machine, and a breakpoint in a step works. It needs the extra ``local``: ``pip install 'tarry[local]'``.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

# Pytest loads this file in every session where Tarry is installed: moto and boto3 come with the first use.
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tarry import App
    from tarry_dev.cloud import Cloud
    from tarry_dev.cloud.host import Host

__all__ = ["MakeCloud", "MakeHost", "tarry", "tarry_cloud"]


class MakeCloud(Protocol):
    """The type of the fixture ``tarry_cloud``."""

    def __call__(self, app: App, **options: Any) -> Cloud:
        """An app's embedded cloud; ``options`` are those of ``tarry_dev.cloud.Cloud``."""


class MakeHost(Protocol):
    """The type of the fixture ``tarry``."""

    def __call__(self, app: App, *, now: datetime | None = None, **settings: int) -> Host:
        """Hosts an app. The clock begins at ``now``, an aware ``datetime``, else at noon of 5 January 2026,
        UTC.

        ``settings`` are those of the deployed stack, such as ``log_days`` or ``max_steps``.
        """


@pytest.fixture
def tarry_cloud() -> Iterator[MakeCloud]:
    """Makes the embedded cloud of an app, for tests that want queues, crashes and time in their own hands.

    There is one at a time; it is gone when the test ends.
    """
    with ExitStack() as life:

        def make(app: App, **options: Any) -> Cloud:
            from tarry_dev.cloud import Cloud

            return life.enter_context(Cloud(app, **options))

        yield make


@pytest.fixture
def tarry(tarry_cloud: MakeCloud) -> MakeHost:
    """Hosts an app on an embedded cloud until the test ends: ``host = tarry(app)``.

    ``host.send("name", {...})`` sends an event and lets everything happen that can happen at once;
    ``host.advance("3d")`` lets time pass, in milliseconds; ``host.run("function-id")`` is the function's last
    run, with its ``status``, ``output``, ``error`` and ``steps``; ``host.events("name")`` is what came over
    the bus.

    The whole process lives by the cloud's clock: set it by ``now``, and not with another tool.
    """

    def make(app: App, *, now: datetime | None = None, **settings: int) -> Host:
        from tarry_dev.cloud import MovedClock
        from tarry_dev.cloud.host import Host

        clock = MovedClock() if now is None else MovedClock(now)
        return Host(tarry_cloud(app, clock=clock, **settings))

    return make
