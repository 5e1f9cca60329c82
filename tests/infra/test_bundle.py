"""The Lambdas' code: what is in it, when it is built again, and what is said when it cannot be built."""

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from tarry_infra import bytecode
from tarry_infra.bundle import Bundle
from tarry_infra.user_app import UserApp
from tarry_infra.wheels import BundleError, Target

ROOT = Path(__file__).parents[2]
MODULES = [("", "till"), ("shop/", "__init__")]
ARM = Target(lambda_.Runtime.PYTHON_3_14, lambda_.Architecture.ARM_64)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OWN = Target(lambda_.Runtime(f"python{VERSION}"), lambda_.Architecture.ARM_64)
"""The Python that runs these tests, which is the one that is surely at hand."""


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle without dependencies: a package with a sub-package, and a single module."""
    package, module, lock = tmp_path / "shop", tmp_path / "till.py", tmp_path / "requirements.lock"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts" / "prices.json").write_text("{}")
    module.write_text("OPEN = True\n")
    lock.write_text("")
    return Bundle(ARM, (package, module), lock=lock)


def names(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Shelf:
    """An index of packages in a folder, which the installers take for the only one."""

    folder: Path
    patch: pytest.MonkeyPatch

    def open_to(self, installer: str) -> None:
        """To the other one it looks empty."""
        for each in ("uv", "pip"):
            self.patch.setenv(f"{each.upper()}_NO_INDEX", "1")
            self.patch.setenv(f"{each.upper()}_FIND_LINKS", str(self.folder) if each == installer else "")
        self.patch.setenv("UV_CACHE_DIR", str(self.folder / "cache"))

    def add(self, name: str, version: str, *, needs: str | None = None) -> bytes:
        """A package of one module, and the wheel in which it is there."""
        about = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            f"{name}.py": f"VERSION = '{version}'\n",
            f"{about}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
            f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        wheel = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
            archive.writestr(f"{about}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD")))
        return wheel.read_bytes()

    def pin(self, name: str, version: str) -> str:
        """The package as a lock names it."""
        return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(self.add(name, version)).hexdigest()}\n"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path, monkeypatch)
    shelf.open_to("uv")
    return shelf


def test_sources_go_along_as_they_lie_but_caches_and_hidden_files_do_not(bundle: Bundle, tmp_path: Path) -> None:
    package, _ = bundle.sources
    node = package / "web" / "node_modules" / "inngest" / "index.js"
    for left_out in (package / "__pycache__" / "x.pyc", package / ".env", package / ".git" / "config", node):
        left_out.parent.mkdir(parents=True, exist_ok=True)
        left_out.write_text("secret")
    bundle.build(tmp_path / "out")
    assert names(tmp_path / "out") == {"shop/__init__.py", "shop/parts/prices.json", "till.py"}


def test_what_stays_out_is_not_even_looked_into(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node's packages can have a hundred thousand files, and each synthesis makes the hash."""
    package, _ = bundle.sources
    (package / "web" / "node_modules" / "inngest").mkdir(parents=True)
    looked_into: list[Path] = []
    iterdir = Path.iterdir

    def note(folder: Path) -> Iterator[Path]:
        looked_into.append(folder)
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", note)
    assert bundle.hash
    assert package / "web" in looked_into
    assert not [folder for folder in looked_into if "node_modules" in folder.parts]


def test_links_to_files_and_folders_are_followed_but_not_round_and_round(bundle: Bundle, tmp_path: Path) -> None:
    package, _ = bundle.sources
    shared = tmp_path / "elsewhere" / "shared"
    shared.mkdir(parents=True)
    (shared / "rates.py").write_text("VAT = 19\n")
    (package / "shared").symlink_to(shared)
    (package / "rates.py").symlink_to(shared / "rates.py")
    (shared / "again").symlink_to(shared)
    (package / "parts" / "up").symlink_to(package)
    bundle.build(tmp_path / "out")
    assert names(tmp_path / "out" / "shop") == {"__init__.py", "parts/prices.json", "rates.py", "shared/rates.py"}


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


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_users_requirements_go_along_with_tarrys(shelf: Shelf, bundle: Bundle, installer: str) -> None:
    shelf.open_to(installer)
    bundle.lock.write_text(shelf.pin("till_drawer", "1"))
    mine, more = shelf.folder / "mine.txt", shelf.folder / "more.txt"
    mine.write_text("-r more.txt\n")
    shelf.add("till_drawer", "2")
    shelf.add("coins", "1", needs="till_drawer")
    for wanted in ("coins\n", shelf.pin("coins", "1")):
        more.write_text(wanted)
        out = shelf.folder / f"out-{len(wanted)}"
        replace(bundle, requirements=mine).build(out)
        assert {"coins.py", "till_drawer.py", "till.py"} <= names(out)
        assert (out / "till_drawer.py").read_text() == "VERSION = '1'\n"


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_requirements_that_contradict_tarrys_lock_are_told_with_both_files(
    shelf: Shelf, bundle: Bundle, installer: str
) -> None:
    shelf.open_to(installer)
    bundle.lock.write_text(shelf.pin("coins", "2"))
    shelf.add("coins", "1")
    mine = shelf.folder / "mine.txt"
    mine.write_text("coins<2\n")
    with pytest.raises(BundleError) as caught:
        replace(bundle, requirements=mine).build(shelf.folder / "out")
    told = str(caught.value)
    assert f"{bundle.lock} and {mine} together" in told
    assert f"{installer} said:" in told
    assert "coins<2" in told


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_hashes_hold_whether_the_users_requirements_have_some_or_not(
    shelf: Shelf, bundle: Bundle, installer: str
) -> None:
    shelf.open_to(installer)
    other = shelf.pin("other", "1")
    forged = f"coins==1 --hash=sha256:{'0' * 64}\n"
    shelf.add("coins", "1")
    mine = shelf.folder / "mine.txt"
    for lock, requirements in ((forged, "other\n"), (forged, "# none\n"), (other, forged)):
        bundle.lock.write_text(lock)
        mine.write_text(requirements)
        with pytest.raises(BundleError, match="coins"):
            replace(bundle, requirements=mine).build(shelf.folder / "out")


def test_the_hash_changes_with_what_the_requirements_include(bundle: Bundle, tmp_path: Path) -> None:
    mine, more = tmp_path / "mine.txt", tmp_path / "more.txt"
    mine.write_text("-c more.txt\n")
    more.write_text("six\n")
    with_requirements = replace(bundle, requirements=mine)
    hashes = [bundle.hash, with_requirements.hash]
    more.write_text("six<2\n")
    assert len({*hashes, with_requirements.hash}) == 3


def test_a_source_with_the_name_of_a_dependency_is_refused(shelf: Shelf, bundle: Bundle) -> None:
    bundle.lock.write_text(shelf.pin("till", "1"))
    with pytest.raises(BundleError, match=r"'till\.py' would be in the Lambdas twice"):
        bundle.build(shelf.folder / "out")


def test_bytecode_is_trusted_by_the_lambdas_python_and_the_same_each_time(bundle: Bundle, tmp_path: Path) -> None:
    for name in ("one", "two"):
        replace(bundle, target=OWN).build(tmp_path / name)
    compiled = {name for name in names(tmp_path / "one") if name.endswith(".pyc")}
    assert compiled == {f"{folder}__pycache__/{stem}.{sys.implementation.cache_tag}.pyc" for folder, stem in MODULES}
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert [name for name in compiled if str(tmp_path).encode() in (tmp_path / "one" / name).read_bytes()] == []
    (tmp_path / "one" / "till.py").write_text("OPEN = 'the source was read'\n")
    code = "import sys; sys.path.insert(0, '.'); import till; print(till.OPEN)"
    run = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path / "one", capture_output=True, check=True)
    assert run.stdout.split() == [b"True"]


def test_without_the_lambdas_python_the_asset_is_another_and_that_is_told_once(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    own = replace(bundle, target=OWN)
    with_bytecode = own.hash
    monkeypatch.setattr(bytecode, "compiler", lambda version: None)
    bytecode._tell_that_there_is_none.cache_clear()
    assert own.hash != with_bytecode
    for name in ("one", "two"):
        own.build(tmp_path / name)
    assert [name for name in names(tmp_path / "one") if name.endswith(".pyc")] == []
    assert capfd.readouterr().err.count(f"tarry: this machine has no Python {VERSION}") == 1


def test_only_an_interpreter_of_that_version_compiles() -> None:
    assert bytecode.compiler(VERSION) == Path(sys.executable)
    assert bytecode.compiler("2.6") is None


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset as it is deployed, with what the lock pins for the Lambdas' platform."""
    directory = tmp_path_factory.mktemp("asset")
    Bundle.of(UserApp.load("tests.infra.shop:app"), ARM).build(directory)
    return directory


def test_the_asset_holds_tarry_the_app_and_what_they_import(built: Path) -> None:
    there = names(built)
    assert there >= {"tarry/app.py", "tarry_backend/deploy/settings.py", "tests/infra/shop.py"}
    assert there >= {"pynamodb/models.py", "celpy/__init__.py", "aws_lambda_powertools/__init__.py"}


def test_the_asset_holds_no_tools(built: Path) -> None:
    top = {path.name for path in built.iterdir()}
    tools = {"tarry_dev", "tarry_infra", "moto", "aws_cdk", "jsii", "pytest", "uv", "pip", "bin"}
    assert top & tools == set()


def test_the_asset_names_no_path_of_the_machine_that_built_it(built: Path) -> None:
    here = str(ROOT).encode()
    assert [name for name in names(built) if here in (built / name).read_bytes()] == []


def test_compiled_parts_are_for_the_lambdas_platform_not_for_this_machine(built: Path) -> None:
    compiled = [name for name in names(built) if ".cpython-" in name and not name.endswith(".pyc")]
    assert any("re2" in name for name in compiled)
    assert [name for name in compiled if "314-aarch64" not in name] == []


def test_the_asset_tells_nothing_of_how_it_was_installed(built: Path) -> None:
    """Or it would differ from one installer to the other."""
    records = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
    assert [name for name in names(built) if Path(name).name in records] == []


def test_the_asset_leaves_room_for_the_apps_own_dependencies(built: Path) -> None:
    """Lambda takes 250 MiB, unpacked."""
    size = sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
    assert size < 50 * 1024 * 1024
