"""Which app is deployed, and with which files."""

from pathlib import Path

import pytest

from tarry.errors import UsageError
from tarry_infra.user_app import UserApp

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
    with pytest.raises(UsageError, match=f"module '{module}' cannot be found"):
        UserApp.load("tests.infra.shop:app", modules=[module])
