"""What ``make dist`` has built is what a user can install: its files, its metadata, its first commands."""

import os
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

import tarry
from tests.release.conftest import Install
from tests.unit.repository import ROOT, SOURCES, tracked

EXAMPLES = ROOT / "examples"
LOCK = "tarry_infra/requirements.lock"
HINT = "install it with: pip install 'tarry[local]'"


def contents(sdist: Path) -> dict[str, bytes]:
    """The files of the sdist by their paths below its one folder."""
    with tarfile.open(sdist) as archive:
        files = {name.name: archive.extractfile(name) for name in archive if name.isfile()}
        return {name.partition("/")[2]: file.read() for name, file in files.items() if file is not None}


def metadata(file: bytes) -> Metadata:
    """The metadata, if each field of it is valid."""
    return Metadata.from_email(file, validate=True)


def call(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of an environment, where nothing of this tree is on the path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [program, *arguments], cwd=program.parent, env=clean, capture_output=True, text=True, check=False
    )


def test_the_wheel_has_the_packages_with_their_data_and_no_tests(wheel: Path) -> None:
    expected = {
        str(path.relative_to(root.parent))
        for path in tracked()
        for root in SOURCES.values()
        if path.is_relative_to(root)
    }
    examples = {f"tarry_dev/shipped/{path.relative_to(ROOT)}" for path in tracked() if path.is_relative_to(EXAMPLES)}
    assert {"tarry_dev/init/template/app.py.in", "tarry/py.typed"} <= expected
    assert {"tarry_dev/shipped/examples/onboarding.py", "tarry_dev/shipped/examples/events.jsonl"} <= examples
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert archive.read(LOCK) == (ROOT / "functions/requirements.lock").read_bytes()
    assert found == expected | examples | {LOCK}


def test_the_sdist_has_every_file_of_the_tree(sdist: Path) -> None:
    found = contents(sdist)
    expected = {str(path.relative_to(ROOT)) for path in tracked()}
    assert {"functions/requirements.lock", "tests/release/test_release.py", "LICENSE"} <= expected
    assert found.keys() == expected | {"PKG-INFO"}


def test_names_and_metadata_say_one_version(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [file] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        inside = metadata(archive.read(file))
    named = {str(parse_wheel_filename(wheel.name)[1]), str(parse_sdist_filename(sdist.name)[1])}
    assert {str(inside.version), str(metadata(contents(sdist)["PKG-INFO"]).version), *named} == {tarry.__version__}


def test_the_metadata_is_complete(sdist: Path) -> None:
    found = metadata(contents(sdist)["PKG-INFO"])
    assert (found.author, found.license_expression, found.license_files) == (
        "The Tarry authors",
        "Apache-2.0",
        ["LICENSE"],
    )
    assert (found.description_content_type, str(found.requires_python)) == ("text/markdown", ">=3.11")
    assert found.description == (ROOT / "README.md").read_text()
    assert set(found.provides_extra or ()) == {"local", "console", "infra", "traces", "encryption"}
    assert "Typing :: Typed" in (found.classifiers or ())


CONSOLE = """
import importlib.util
from types import SimpleNamespace
from werkzeug.test import Client
import tarry_dev.cli.console, tarry_dev.console.stack
from tarry_dev.console import create_console
client = Client(create_console(SimpleNamespace(name="x", revision=None, clock=None), token="t"))
files = ["runs", *(f"console/static/{each}" for each in ("console.css", "console.js", "idiomorph-LICENSE.txt"))]
print(*(client.get(f"/{each}", base_url="http://localhost").status_code for each in files))
print(importlib.util.find_spec("moto") is not None)
"""


@pytest.fixture(scope="session")
def bare(install: Install) -> Path:
    """Of an environment with the wheel alone."""
    return install("")


@pytest.fixture(scope="session")
def full(install: Install) -> Path:
    """Of an environment with the extra ``local``, too, and pytest."""
    return install("[local]", "pytest")


def test_the_sdk_is_imported_from_the_wheel(bare: Path) -> None:
    shown = call(bare / "python", "-c", "import tarry; print(tarry.__version__, tarry.__file__)")
    version, file = shown.stdout.split()
    assert version == tarry.__version__, shown.stderr
    assert PurePosixPath(file).is_relative_to(bare.parent)


def test_the_command_line_says_what_to_install(bare: Path) -> None:
    shown = call(bare / "tarry", "--help")
    assert (shown.returncode, shown.stdout) == (1, "")
    [line] = shown.stderr.splitlines()
    assert line.endswith(HINT)


def test_the_stack_says_what_to_install(bare: Path) -> None:
    shown = call(bare / "python", "-c", "import tarry_infra")
    assert shown.stderr.splitlines()[-1].endswith("install it with: pip install 'tarry[infra]'")


def test_the_command_line_runs_with_the_extra(full: Path) -> None:
    shown = call(full / "tarry", "--version")
    assert (shown.returncode, shown.stdout) == (0, f"tarry {tarry.__version__}\n"), shown.stderr


def test_the_console_of_a_stack_needs_no_embedded_cloud(install: Install) -> None:
    """Its templates, its style, its script, and the library with its licence are in the wheel."""
    there = install("[console]")
    shown = call(there / "python", "-c", CONSOLE)
    assert shown.stdout.split() == ["403", "200", "200", "200", "False"], shown.stderr
    shown = call(there / "tarry", "console", "--help")
    assert "--read-only" in shown.stdout, shown.stderr


def test_a_project_is_made_from_the_templates_of_the_wheel(full: Path, tmp_path: Path) -> None:
    shown = call(full / "tarry", "init", str(tmp_path / "shop"))
    assert shown.returncode == 0, shown.stderr
    assert {"Makefile", "app.py", "shop", "tests"} <= {path.name for path in (tmp_path / "shop").iterdir()}


def test_the_demo_runs_outside_of_the_tree(full: Path) -> None:
    shown = call(full / "tarry", "demo")
    assert shown.returncode == 0, shown.stderr
    assert "examples.onboarding:app gets the events of events.jsonl" in shown.stdout
    code = shown.stdout.splitlines()[-1].partition("read its code: ")[2]
    assert PurePosixPath(code).is_relative_to(full.parent)
    assert "wait_for_event" in Path(code).read_text()


def test_the_examples_are_no_package_of_the_users_environment(full: Path) -> None:
    assert call(full / "python", "-c", "import examples").returncode == 1


def test_the_readmes_first_test_passes_with_the_wheel_alone(full: Path, tmp_path: Path) -> None:
    program, test, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "shop.py").write_text(program)
    (tmp_path / "test_shop.py").write_text(test)
    shown = call(full / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))
    assert "2 passed" in shown.stdout, shown.stdout + shown.stderr
