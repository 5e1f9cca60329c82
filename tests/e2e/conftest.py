"""One cloud and one stack for all tests of this folder. Those that disrupt the stack come first.

``make e2e`` runs them on a MiniStack of their own. ``make acceptance`` names a stack (``E2E_STACK``), and they run on
the account to which the credentials lead.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cloud import Cloud
from tests.e2e.deployment import Deployment
from tests.e2e.emulator import ROOT, MiniStack
from tests.e2e.outside import Stack
from tests.e2e.remains import BOOTSTRAP, describe

Tarry = Callable[..., Any]

STACK = os.environ.get("E2E_STACK")
"""The stack of ``make acceptance``; ``None`` for ``make e2e``."""

FIGURES = pytest.StashKey[list[str]]()
CLOUD = pytest.StashKey[Cloud]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []
    config.addinivalue_line("markers", "needs(what): the scenario is left out on a cloud that lacks this, and named")
    config.addinivalue_line(
        "markers", "disrupts: the scenario stops Lambdas at work: it deploys anew, or makes an outage"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Disruptive scenarios come first. Then nothing disturbs the deadline of :func:`long_wait`."""
    items.sort(key=lambda item: item.get_closest_marker("disrupts") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    cloud = config.stash.get(CLOUD, None)
    if cloud is None:
        return
    sections = {
        f"measured on {cloud.title}": config.stash[FIGURES],
        f"in the place of {cloud.title}": cloud.substitutes,
        f"left out on {cloud.title}": [
            f"{report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}"
            for report in terminalreporter.stats.get("skipped", [])
        ]
        or ["nothing"],
    }
    for title, lines in sections.items():
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed at the end."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, figures: list[str], pytestconfig: pytest.Config) -> Iterator[Cloud]:
    """The account."""
    if STACK is not None:
        cloud = pytestconfig.stash[CLOUD] = Cloud.of(os.environ)
        yield cloud
        return
    server = MiniStack(tmp_path_factory.mktemp("cloud"))
    figures.append(f"MiniStack's log, with the Lambdas' lines: {server.log}")
    try:
        cloud = pytestconfig.stash[CLOUD] = server.cloud()
        yield cloud
    finally:
        server.stop()


@pytest.fixture(scope="session")
def deployment(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory, figures: list[str]) -> Deployment:
    """A bootstrapped account with the stack in it."""
    folder = Path(tmp_path_factory.mktemp("user")) / "project"
    deployment = Deployment(cloud, folder, STACK or "shop")
    is_bootstrapped = describe(cloud, BOOTSTRAP) is not None  # somebody else's, maybe: it stays as it is
    for command in ([] if is_bootstrapped else [deployment.bootstrap]) + [deployment.deploy]:
        began = time.monotonic()
        command()
        figures.append(f"cdk {command.__name__}: {time.monotonic() - began:.1f} s")
    return deployment


@pytest.fixture(scope="session")
def stack(cloud: Cloud, deployment: Deployment) -> Stack:
    """The deployed stack, from outside."""
    return Stack(cloud, deployment.name)


@pytest.fixture(scope="session")
def tarry(cloud: Cloud, stack: Stack) -> Tarry:
    """The command line, which speaks to the stack: returns what it says in JSON."""

    def run(*arguments: str) -> Any:
        said = subprocess.run(
            [sys.executable, "-m", "tarry_dev.cli", *arguments, "--stack", stack.name, "--json"],
            env={**cloud.environment, "PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    return run


@pytest.fixture(autouse=True)
def _cloud_has_what_it_needs(request: pytest.FixtureRequest, cloud: Cloud) -> None:
    """Leaves out a scenario that this cloud cannot play."""
    for marker in request.node.iter_markers("needs"):
        if reason := cloud.lacks.get(marker.args[0]):
            pytest.skip(reason)


@pytest.fixture(scope="session")
def long_wait(stack: Stack) -> None:
    """A wait whose deadline is too far for a queue's timers, so that the minute sweep must bring it.

    A test looks at it when the other tests are through. It begins after those that disrupt the stack: once, a
    redeployment killed the timers with the deadline's message in hand, at that second, and the deadline came 13 s late.
    """
    stack.put("app/account.created", {"userId": "silent-for-long", "email": "a@shop.test", "seconds": 190})


@pytest.fixture(autouse=True)
def _long_wait_begins(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("disrupts") is None:
        request.getfixturevalue("long_wait")
