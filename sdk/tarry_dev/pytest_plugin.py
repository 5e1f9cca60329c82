"""Pytest fixtures for apps: an app on an embedded cloud whose clock the test moves.

    def test_nudge(tarry_host):
        host = tarry_host(app)
        host.send("app/account.created", {"userId": "7", "email": "a@example.com"})
        run = host.run("onboarding")
        assert run.status == "running"
        host.advance("3d")
        assert host.result() == "nudged"
        assert list(run.steps) == ["send-welcome-email", "wait-for-onboarding", "send-nudge-email"]

The functions run in the test's process, through the deployed handlers, against moto. Nothing leaves the machine, and a
breakpoint in a step works. The report of a failed test lists the runs, each with its status and what it waits for, and
names a file with the page of each of the last ones, as the console shows it.

``tarry`` is the fixture's first name. It stays, but in a test that takes it, ``tarry`` is not the module.

The fixtures need the extra ``local``: ``pip install 'tarry[local]'``.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

# Pytest loads this file in every session where Tarry is installed: moto and boto3 come with the first use.
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from datetime import datetime

    from tarry import App
    from tarry_dev.cloud import Cloud
    from tarry_dev.cloud.host import Host

__all__ = ["MakeCloud", "MakeHost", "pytest_runtest_makereport", "tarry", "tarry_cloud", "tarry_host"]

_HOSTS = pytest.StashKey[list["Host"]]()
"""The hosts of a test, for its report."""

_SHOWN = 20
"""How many runs, the last to start, the report of a failed test shows."""


_PAGES = 5
"""Of how many runs, the last to start, a page is written."""


class MakeCloud(Protocol):
    """The type of the fixture ``tarry_cloud``."""

    def __call__(self, app: App, **options: Any) -> Cloud:
        """Return an app's embedded cloud; ``options`` are those of ``tarry_dev.cloud.Cloud``."""


class MakeHost(Protocol):
    """The type of the fixture ``tarry_host``."""

    def __call__(self, app: App, *, now: datetime | None = None, **settings: int) -> Host:
        """Host an app.

        Args:
            app: The app.
            now: The clock's start, an aware ``datetime``; noon of 5 January 2026, UTC, by default.
            **settings: Settings of the deployed stack, such as ``log_days`` or ``max_steps``. With ``punctual=False``
                sleeps end up to a second late and deadlines up to two, as on AWS.
        """


@pytest.fixture
def tarry_cloud() -> Iterator[MakeCloud]:
    """Make the embedded cloud of an app, for tests that control queues, crashes and time themselves.

    Only one cloud exists at a time. It ends with the test.
    """
    with ExitStack() as life:

        def make(app: App, **options: Any) -> Cloud:
            from tarry_dev.cloud import Cloud

            return life.enter_context(Cloud(app, **options))

        yield make


@pytest.fixture
def tarry_host(tarry_cloud: MakeCloud, request: pytest.FixtureRequest) -> MakeHost:
    """Host an app on an embedded cloud until the test ends: ``host = tarry_host(app)``.

    ``host.send("name", {...})`` sends an event, and completes everything that can happen at once.
    ``host.advance("3d")`` lets three days pass, in milliseconds of real time. ``host.result()`` is the output of the
    one run. ``host.run("function-id")`` is the function's last run, with its ``status``, ``output``, ``error`` and
    ``steps``. ``host.events("name")`` are the events on the bus.

    The whole process uses the cloud's clock. Set it by ``now``, not with another tool.
    """
    hosts = request.node.stash.setdefault(_HOSTS, [])

    def make(app: App, *, now: datetime | None = None, **settings: int) -> Host:
        from tarry_dev.cloud import MovedClock
        from tarry_dev.cloud.host import Host

        clock = MovedClock() if now is None else MovedClock(now)
        host = Host(tarry_cloud(app, clock=clock, **{"punctual": True, **settings}))
        hosts.append(host)
        return host

    return make


@pytest.fixture
def tarry(tarry_host: MakeHost) -> MakeHost:
    """Return the fixture ``tarry_host`` under its first name, which hides the module ``tarry`` in the test."""
    return tarry_host


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the runs of the test's hosts to the report of its failure, while their clouds are still there."""
    report = yield
    if call.when != "teardown" and report.failed and (hosts := item.stash.get(_HOSTS, None)):
        lines = [line for host in hosts for line in (*_lines(host), *_pages(host, item.config))]
        report.sections.append(("Tarry's runs", "\n".join(lines)))
    return report


def _lines(host: Host) -> Iterator[str]:
    """A line for each run, each step of it, and what it waits for. What cannot be read is left out."""
    from tarry_dev.control_characters import one_line

    try:
        runs = host.runs()
        if len(runs) > _SHOWN:
            yield f"… {len(runs) - _SHOWN} earlier runs"
        for run in runs[-_SHOWN:]:
            yield run.summary
            yield from (f"  {step}" for step in run.steps.values())
            if run.status == "running":
                yield f"  now: {run.waits_for}"
        if not runs:
            yield "no run has started"
        yield from (f"dead letter: {one_line(letter.body[:200])}" for letter in host.dead_letters)
    except Exception as error:
        yield f"(the runs cannot be read: {error!r})"


def _pages(host: Host, config: pytest.Config) -> Iterator[str]:
    """Write a page for each of the last runs into pytest's cache, and yield where they are."""
    from tarry_dev.cloud.run_pages import write_pages

    cache: pytest.Cache | None = getattr(config, "cache", None)
    if cache is None:
        return
    try:
        for name, file in write_pages(host, cache.mkdir("tarry-runs"), _PAGES):
            yield f"page of {name}: {file.as_uri()}"
    except Exception as error:
        yield f"(the runs' pages cannot be written: {error!r})"
