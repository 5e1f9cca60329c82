"""Without an extra of Tarry, what needs it says in one line what to install."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tarry._extras import EXTRAS, explained
from tests.unit.repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

WITHOUT = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None


sys.meta_path.insert(0, Absent())
sys.argv = {argv!r}
"""

LOCAL = "install it with: pip install 'tarry[local]'"

USING_THE_FIXTURE = """
import tarry as sdk


def test_it(tarry):
    tarry(sdk.App("shop"))


def test_another():
    pass
"""


def run_without(
    extra: str, code: str, *argv: str, absent: set[str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs code where the extra's modules, or only those named, cannot be imported."""
    start = WITHOUT.format(absent=absent or EXTRAS[extra], argv=["tarry", *argv])
    return subprocess.run([sys.executable, "-c", start + code], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("argv", [["--help"], ["--version"], [], ["runs"]], ids=" ".join)
def test_the_command_line_says_what_to_install(argv: list[str]) -> None:
    run = run_without("local", "from tarry_dev.cli import main; main()", *argv)
    assert run.returncode == 1
    assert run.stdout == ""
    [line] = run.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(LOCAL)


def test_a_command_says_so_too_where_only_its_own_tools_are_absent() -> None:
    argv = ["dev", "examples.onboarding:app"]
    run = run_without("local", "from tarry_dev.cli import main; main()", *argv, absent={"moto"})
    assert (run.returncode, run.stderr) == (1, f"error: the module 'moto' is not installed; {LOCAL}\n")


def test_the_embedded_cloud_says_what_to_install() -> None:
    run = run_without("local", "import tarry_dev.cloud", absent={"moto"})
    assert run.stderr.splitlines()[-1] == f"ModuleNotFoundError: the module 'moto' is not installed; {LOCAL}"


def test_pytest_runs_without_the_tools_and_only_the_fixture_asks_for_them(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(USING_THE_FIXTURE)
    run = run_without("local", "import pytest; sys.exit(pytest.main(['-p', 'no:cacheprovider']))", cwd=tmp_path)
    assert "1 failed, 1 passed" in run.stdout
    assert LOCAL in run.stdout


def test_the_stack_says_what_to_install() -> None:
    run = run_without("infra", "import tarry_infra")
    last = "ModuleNotFoundError: the module 'aws_cdk' is not installed; install it with: pip install 'tarry[infra]'"
    assert run.stderr.splitlines()[-1] == last


def test_the_sdk_needs_no_extra() -> None:
    run = run_without("local", "import tarry; print(tarry.__version__)", absent=set().union(*EXTRAS.values()))
    assert run.returncode == 0, run.stderr


def test_another_modules_absence_is_left_as_it_is() -> None:
    error = ModuleNotFoundError("No module named 'shop'", name="shop")
    assert explained(error) is error


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_distribution_of_an_extra_has_its_modules_in_the_list(extra: str) -> None:
    wanted = {canonicalize_name(Requirement(line).name) for line in PROJECT["optional-dependencies"][extra]}
    providers = packages_distributions()
    listed = {canonicalize_name(name) for module in EXTRAS[extra] for name in providers.get(module, [])}
    assert wanted - listed == set()
