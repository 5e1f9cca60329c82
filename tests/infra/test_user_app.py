"""Which app is deployed, and with which files."""

import tomllib
from pathlib import Path

import pytest

from tarry.errors import UsageError
from tarry_infra.bundle import Bundle
from tarry_infra.requirements import EXTRAS, files_of
from tarry_infra.user_app import UserApp
from tests.infra.conftest import Synthesise
from tests.infra.test_bundle import ARM

ROOT = Path(__file__).parents[2]


def test_an_app_brings_the_package_that_holds_it() -> None:
    app = UserApp.load("tests.infra.shop:app")
    assert (app.spec, app.id, app.sources) == ("tests.infra.shop:app", "shop", (ROOT / "tests",))


def test_an_app_in_a_single_file_brings_that_file_and_the_modules_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corner_shop.py").write_text("import tarry\napp = tarry.App('corner-shop')\n")
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    app = UserApp.load("corner_shop:app", modules=["till.drawer", "corner_shop"])
    assert app.sources == (tmp_path / "corner_shop.py", tmp_path / "till")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("shop", "write module:attribute"),
        ("no.such.module:app", "No module named 'no'"),
        ("tests.infra.shop:ap", "not a tarry.App"),
    ],
)
def test_what_is_no_app_is_named(spec: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"app '{spec}'.*{problem}"):
        UserApp.load(spec)


@pytest.mark.parametrize("module", ["no_such_module", "sys"])
def test_a_module_that_cannot_be_packed_is_named(module: str) -> None:
    with pytest.raises(UsageError, match=f"module '{module}' does not exist"):
        UserApp.load("tests.infra.shop:app", modules=[module])


def test_requirements_are_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "requirements.txt"
    with pytest.raises(UsageError, match=r"requirements\.txt' does not exist"):
        UserApp.load("tests.infra.shop:app", requirements=mine)
    mine.write_text("-r more.txt\n")
    with pytest.raises(UsageError, match=r"requirements\.txt' includes 'more\.txt', which does not exist"):
        UserApp.load("tests.infra.shop:app", requirements=mine)
    (tmp_path / "more.txt").write_text("-c requirements.txt\nsix\n")
    app = UserApp.load("tests.infra.shop:app", requirements=mine)
    assert Bundle.of(app, ARM).requirements == mine


def test_the_stack_takes_requirements(synthesise: Synthesise) -> None:
    with pytest.raises(UsageError, match=r"requirements 'no-such\.txt' does not exist"):
        synthesise(requirements="no-such.txt")


def test_an_editable_requirement_is_refused_because_it_is_a_folder_of_this_machine(tmp_path: Path) -> None:
    mine = tmp_path / "requirements.txt"
    mine.write_text("six\n-e ./mine  # my own\n")
    with pytest.raises(UsageError, match=r"'-e \./mine  # my own' is a folder of this machine.*modules=\[\.\.\.\]"):
        UserApp.load("tests.infra.shop:app", requirements=mine)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tarry", "leave 'tarry' out, for the Lambdas get Tarry from the stack$"),
        ("Tarry==0.1.0 \\\n    --hash=sha256:00", "leave 'Tarry' out, .* the stack$"),
        ("tarry[encryption] @ file:///src/tarry", r"leave 'tarry\[encryption\]' out, .*; write aws-encryption-sdk"),
        (
            "tarry [traces, encryption]>=0.1",
            "; write opentelemetry-api>=1.30 and aws-encryption-sdk>=4.0.7,<5 instead$",
        ),
    ],
)
def test_tarry_is_no_requirement_because_the_lambdas_have_it_already(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"requests\n{line}\n")
    with pytest.raises(UsageError, match=said):
        files_of(tmp_path / "requirements.txt")


@pytest.mark.parametrize("line", ["tarry-plugin", "tarry_tools==1", "# tarry", "httpx  # not tarry", "tarry2"])
def test_a_package_whose_name_only_begins_so_may_be_required(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    assert files_of(tmp_path / "requirements.txt") == (tmp_path / "requirements.txt",)


def test_a_constraint_on_tarry_is_no_requirement(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c constraints.txt\nhttpx\n")
    (tmp_path / "constraints.txt").write_text("tarry==0.1.0\n")
    assert len(files_of(tmp_path / "requirements.txt")) == 2


def test_the_extras_have_the_packages_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name: [packages] for name, packages in EXTRAS.items()} == {name: project[name] for name in EXTRAS}
