"""What must hold for the tree as a whole: its files, its lock files, its project file."""

import re
import tomllib
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import tarry
from tests.unit.repository import ROOT, pins, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Spelled in two halves, so that this file may be read too.
REGISTRIES = ["pypi" + ".org", "pythonhosted" + ".org", "registry" + ".npm", "npmjs" + ".", "deb" + ".debian"]
MACHINE_ROOTS = ["home", "opt", "root", "tmp", "work"]

REGISTRY = re.compile("|".join(map(re.escape, REGISTRIES)), re.IGNORECASE)
MACHINE_PATH = re.compile(rf"(?<![\w.*{{}}~-])/(?:{'|'.join(MACHINE_ROOTS)})/")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_tracked_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


@pytest.mark.parametrize("line", ["see /wor" + "k/main", "cd '/tm" + "p/x'", "--index file:///op" + "t/index"])
def test_a_machine_path_is_recognised(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize("line", ["s3://bucket/tmp/x", "docs/work/plan.md", "$HOME/opt/bin"])
def test_a_relative_path_is_none(line: str) -> None:
    assert not MACHINE_PATH.search(line)


def test_the_lock_files_fit_the_project_file() -> None:
    project = PROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    asked = {
        "functions/requirements.lock": project["dependencies"],
        "requirements.lock": [*project["dependencies"], *extras, *PROJECT["dependency-groups"]["dev"]],
    }
    stale = [
        f"{lock}: {requirement}"
        for lock, requirements in asked.items()
        for requirement in map(Requirement, requirements)
        if not all(map(requirement.specifier.contains, pins(lock).get(canonicalize_name(requirement.name), {"0"})))
    ]
    assert stale == [], "run `make lock`"


def test_a_lambda_gets_the_versions_that_were_tested() -> None:
    tested = pins("requirements.lock")
    assert {
        name: versions for name, versions in pins("functions/requirements.lock").items() if tested[name] != versions
    } == {}


def test_the_version_is_written_in_one_place() -> None:
    assert "version" in PROJECT["project"]["dynamic"]
    file = ROOT / PROJECT["tool"]["hatch"]["version"]["path"]
    assert f'\n__version__ = "{tarry.__version__}"\n' in file.read_text()
    assert str(Version(tarry.__version__)) == tarry.__version__


def test_what_an_install_offers_is_there() -> None:
    project = PROJECT["project"]
    offered = [project["scripts"]["tarry"], project["entry-points"]["pytest11"]["tarry"]]
    assert [entry for entry in offered if find_spec(entry.partition(":")[0]) is None] == []
    assert (ROOT / project["readme"]).is_file()
