"""Who imports whom: the packages go one way, user code loads fast, a Lambda holds what it imports."""

import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name

import tarry
from tests.unit.repository import SOURCES, imported_by, pins

MAY_IMPORT = {
    "tarry": set[str](),
    "tarry_backend": {"tarry"},
    "tarry_infra": {"tarry", "tarry_backend"},
    "tarry_dev": {"tarry", "tarry_backend", "tarry_infra"},
}
SLOW_TO_LOAD = {"boto3", "botocore", "celpy", "pynamodb"}


@pytest.mark.parametrize("package", SOURCES)
def test_imports_between_the_packages_go_one_way(package: str) -> None:
    barred = SOURCES.keys() - MAY_IMPORT[package] - {package}
    assert {(path, name) for path, name in imported_by(package) if name in barred} == set()


@pytest.mark.parametrize("package", ["tarry", "tarry_backend"])
def test_what_runs_in_a_lambda_imports_only_what_is_packed_for_it(package: str) -> None:
    packed = pins("functions/requirements.lock").keys()
    providers = packages_distributions()

    def is_there(name: str) -> bool:
        return (
            name in sys.stdlib_module_names
            or name in SOURCES
            or any(canonicalize_name(distribution) in packed for distribution in providers.get(name, ()))
        )

    assert {(path, name) for path, name in imported_by(package) if not is_there(name)} == set()


def test_importing_tarry_loads_nothing_slow() -> None:
    code = "import sys, tarry; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "tarry" in loaded
    assert loaded & SLOW_TO_LOAD == set()


def test_the_public_names_are_sorted_and_exist() -> None:
    assert tarry.__all__ == sorted(set(tarry.__all__))
    assert [name for name in tarry.__all__ if not hasattr(tarry, name)] == []


def test_every_public_name_is_declared() -> None:
    modules = {path.stem for path in SOURCES["tarry"].iterdir()}
    assert {name for name in vars(tarry) if not name.startswith("_")} - modules == set(tarry.__all__)
