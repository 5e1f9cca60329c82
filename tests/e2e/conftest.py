"""One cloud and one stack for all tests of this folder, in the order in which they stand. Run by ``make e2e``."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.emulator import ROOT, MiniStack
from tests.e2e.outside import Stack

Tarry = Callable[..., Any]

FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash[FIGURES]:
        terminalreporter.section("measured on MiniStack, on this machine")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed at the end."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, figures: list[str]) -> Iterator[MiniStack]:
    """An empty AWS account."""
    cloud = MiniStack(tmp_path_factory.mktemp("cloud"))
    figures.append(f"MiniStack's log, with the Lambdas' lines: {cloud.log}")
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def deployment(cloud: MiniStack, tmp_path_factory: pytest.TempPathFactory, figures: list[str]) -> Deployment:
    """A bootstrapped account with the stack in it."""
    deployment = Deployment(cloud, Path(tmp_path_factory.mktemp("user")) / "project")
    for command in (deployment.bootstrap, deployment.deploy):
        began = time.monotonic()
        command()
        figures.append(f"cdk {command.__name__}: {time.monotonic() - began:.1f} s")
    return deployment


@pytest.fixture(scope="session")
def stack(cloud: MiniStack, deployment: Deployment) -> Stack:
    """The deployed stack, from outside."""
    return Stack(cloud, deployment.name)


@pytest.fixture(scope="session")
def tarry(cloud: MiniStack, stack: Stack) -> Tarry:
    """The command line, which speaks to the stack: returns what it says in JSON."""

    def run(*arguments: str) -> Any:
        said = subprocess.run(
            [sys.executable, "-m", "tarry_dev.cli", *arguments, "--stack", stack.name, "--json"],
            env=cloud.environment | {"PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    return run


@pytest.fixture(scope="session", autouse=True)
def long_wait(stack: Stack) -> None:
    """A wait whose deadline is too far for a queue's timers, so that the minute sweep must bring it. It is looked at
    when the other tests are through."""
    stack.put("app/account.created", {"userId": "silent-for-long", "email": "a@shop.test", "seconds": 190})
