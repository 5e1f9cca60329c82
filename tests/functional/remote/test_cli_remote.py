"""``tarry dev -u``: an app of an official SDK, hosted by the command, as it starts, and as it changes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.remote.impostor import Impostor, Reply, step_of

PATIENCE = 30.0


_DEV = "from tarry_dev.cli import dev_remote, main; dev_remote._EVERY = 0.3; main()"
"""The command, which asks the apps for their functions sooner than every two seconds."""


class Dev:
    """A ``tarry dev`` in a folder of its own. ``text`` is what it has written."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.output = folder / "dev.log"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _DEV, "dev", *arguments, "--port", "0"],
                cwd=folder,
                env={**os.environ, "COLUMNS": "300", "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def until(self, text: str) -> str:
        return self.when(lambda: self.output.read_text() if text in self.output.read_text() else "")

    def when(self, look: Callable[[], str]) -> str:
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < end, self.output.read_text()
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        return found

    def tarry(self, *arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "tarry_dev.cli", *arguments],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        return run.stdout + run.stderr


@pytest.fixture
def functions() -> list[dict[str, object]]:
    return [step_of("fake-one", "x/y")]


@pytest.fixture
def app(functions: list[dict[str, object]]) -> Iterator[Impostor]:
    with Impostor(functions, lambda _: Reply(200, '"done"')) as app:
        yield app


@pytest.fixture
def dev(tmp_path: Path, app: Impostor) -> Iterator[Dev]:
    dev = Dev(tmp_path, "-u", app.url)
    yield dev
    dev.process.terminate()
    dev.process.wait()


def test_an_app_is_synced_at_the_start_and_when_it_changes_and_runs(
    dev: Dev, app: Impostor, functions: list[dict[str, object]]
) -> None:
    text = dev.until("is synced: fake-one")
    assert re.search(r"start each remote app with INNGEST_DEV=http://localhost:\d+", text)
    dev.tarry("send", "x/y")
    dev.until("finished after")
    functions.append(step_of("fake-two", "x/z"))
    dev.until("is synced: fake-one, fake-two")
    assert "fake-two" in dev.tarry("functions")
    functions.append(step_of("fake-three", "x/z", priority={"run": "1"}))
    text = dev.until("the sync of app 'fake' is refused")
    app.go_down()
    dev.until("no answer")


def test_it_needs_an_app_or_an_address(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tarry_dev.cli", "dev"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "-u URL" in run.stderr


@pytest.mark.parametrize("command", [["sync", "https://x.example/"], ["apps"]])
def test_the_apps_of_a_stack_need_its_name(tmp_path: Path, command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tarry_dev.cli", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "--stack NAME" in run.stderr
