"""The Lambdas' code: what is in it, when it is built again, and what is said when it cannot be built."""

import os
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from tarry_infra.bundle import Bundle
from tarry_infra.user_app import UserApp
from tarry_infra.wheels import BundleError, Target

ROOT = Path(__file__).parents[2]
ARM = Target(lambda_.Runtime.PYTHON_3_14, lambda_.Architecture.ARM_64)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle without dependencies: a package with a sub-package, and a single module."""
    package, module, lock = tmp_path / "shop", tmp_path / "till.py", tmp_path / "requirements.lock"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts" / "prices.json").write_text("{}")
    module.write_text("OPEN = True\n")
    lock.write_text("")
    return Bundle(ARM, (package, module), lock)


def names(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_sources_go_along_as_they_lie_but_caches_and_hidden_files_do_not(bundle: Bundle, tmp_path: Path) -> None:
    package, _ = bundle.sources
    for left_out in (package / "__pycache__" / "x.pyc", package / ".env", package / ".git" / "config"):
        left_out.parent.mkdir(exist_ok=True)
        left_out.write_text("secret")
    bundle.build(tmp_path / "out")
    assert names(tmp_path / "out") == {"shop/__init__.py", "shop/parts/prices.json", "till.py"}


def test_the_hash_is_that_of_the_inputs_content(bundle: Bundle) -> None:
    package, module = bundle.sources
    before = bundle.hash
    os.utime(module, (0, 0))
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_text("")
    assert bundle.hash == before


def test_the_hash_changes_with_the_lock_a_source_its_name_and_the_target(bundle: Bundle) -> None:
    package, module = bundle.sources
    hashes = [bundle.hash]
    for path, content in ((bundle.lock, "# none"), (module, "OPEN = False\n"), (package / "new.py", "")):
        path.write_text(content)
        hashes.append(bundle.hash)
    (package / "new.py").rename(package / "newer.py")
    hashes.append(bundle.hash)
    intel = replace(ARM, architecture=lambda_.Architecture.X86_64)
    older = replace(ARM, runtime=lambda_.Runtime.PYTHON_3_13)
    hashes += [replace(bundle, target=target).hash for target in (intel, older)]
    assert len(set(hashes)) == len(hashes)


def test_a_second_synthesis_builds_nothing_until_something_changes(bundle: Bundle, tmp_path: Path) -> None:
    def assets() -> list[Path]:
        cdk.AssetStaging.clear_asset_hash_cache()
        app = cdk.App(outdir=str(tmp_path / "cdk.out"))
        stack = cdk.Stack(app, "Stack")
        for name in ("One", "Two"):
            lambda_.Function(stack, name, code=bundle.code(), handler="till.x", runtime=ARM.runtime)
        app.synth()
        return list((tmp_path / "cdk.out").glob("asset.*"))

    (asset,) = assets()
    (asset / "mark").write_text("here since the first synthesis")
    assert assets() == [asset]
    assert (asset / "mark").exists()
    bundle.sources[1].write_text("OPEN = False\n")
    assert len(assets()) == 2


def test_what_cannot_be_installed_is_told_in_the_installers_words(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.lock.write_text(f"no-such-thing==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BundleError) as caught:
        bundle.build(tmp_path / "out")
    told = str(caught.value)
    assert told.startswith(f"cannot install {bundle.lock} for Python 3.14 on aarch64: ")
    assert "uv said:" in told
    assert "pip said:" in told
    assert told.count("no-such-thing") >= 2


def test_a_failed_build_leaves_no_asset_that_a_later_synthesis_would_take(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.lock.write_text(f"no-such-thing==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "cdk.out")), "Stack")
    with pytest.raises(RuntimeError, match="cannot install"):
        lambda_.Function(stack, "One", code=bundle.code(), handler="till.x", runtime=ARM.runtime)
    taken = [path for path in (tmp_path / "cdk.out").glob("asset.*") if not path.name.endswith("-building")]
    assert taken == []


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset as it is deployed, with what the lock pins for the Lambdas' platform."""
    directory = tmp_path_factory.mktemp("asset")
    Bundle.of(UserApp.load("tests.infra.shop:app"), ARM).build(directory)
    return directory


def test_the_asset_holds_tarry_the_app_and_what_they_import(built: Path) -> None:
    there = names(built)
    assert there >= {"tarry/app.py", "tarry_backend/settings.py", "tests/infra/shop.py"}
    assert there >= {"pynamodb/models.py", "celpy/__init__.py", "aws_lambda_powertools/__init__.py"}


def test_the_asset_holds_no_tools(built: Path) -> None:
    top = {path.name for path in built.iterdir()}
    tools = {"tarry_dev", "tarry_infra", "moto", "aws_cdk", "jsii", "pytest", "uv", "pip", "bin"}
    assert top & tools == set()


def test_the_asset_names_no_path_of_the_machine_that_built_it(built: Path) -> None:
    here = str(ROOT).encode()
    assert [name for name in names(built) if here in (built / name).read_bytes()] == []


def test_compiled_parts_are_for_the_lambdas_platform_not_for_this_machine(built: Path) -> None:
    compiled = [name for name in names(built) if ".cpython-" in name]
    assert any("re2" in name for name in compiled)
    assert [name for name in compiled if "314-aarch64" not in name] == []


def test_the_asset_leaves_room_for_the_apps_own_dependencies(built: Path) -> None:
    """Lambda takes 250 MiB, unpacked."""
    size = sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
    assert size < 60 * 1024 * 1024
