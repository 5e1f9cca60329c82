"""Whose code a frame is: the user's, a library's, or Tarry's own."""

import json
import sys
import sysconfig
from pathlib import Path

import pytest

import tarry
from tarry.errors import UsageError
from tarry_backend.model.own_code import is_library, own_frame, place_in_stack
from tarry_backend.runtime import load_app

SITE = sysconfig.get_paths()["purelib"]


def stack(*files: str) -> str:
    lines = "".join(f'  File "{file}", line {number}, in f{number}\n    x\n' for number, file in enumerate(files, 1))
    return f"Traceback (most recent call last):\n{lines}ValueError: boom\n"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (["/app/shop.py", json.__file__], "/app/shop.py line 1, in f1"),
        (["/app/shop.py", f"{SITE}/httpx/_client.py"], "/app/shop.py line 1, in f1"),
        (["/app/shop.py", tarry.__file__, "<frozen importlib._bootstrap>"], "/app/shop.py line 1, in f1"),
        (["/app/tarry/shop.py", "/app/bank.py"], "/app/bank.py line 2, in f2"),
        (["/app/bank.py", "/app/tarry/shop.py"], "/app/tarry/shop.py line 2, in f2"),
        (["/var/task/shop/orders.py", "/var/task/pynamodb/models.py"], "/var/task/shop/orders.py line 1, in f1"),
        (["/var/task/shop.py", "/var/task/tarry_backend/replay/engine.py"], "/var/task/shop.py line 1, in f1"),
        (["/var/task/shop.py", "/var/lang/lib/python3.13/socket.py"], "/var/task/shop.py line 1, in f1"),
        ([json.__file__], f"{json.__file__} line 1, in f1"),
        ([], ""),
    ],
)
def test_a_stored_stack_is_named_by_the_users_innermost_line(files: list[str], place: str) -> None:
    assert place_in_stack(stack(*files)) == place


def test_a_library_is_not_tarry() -> None:
    assert is_library(json.__file__)
    assert not is_library(tarry.__file__)
    assert not is_library(__file__)


def test_a_library_at_work_for_the_user_is_the_users_line() -> None:
    seen: list[int] = []

    class Value:
        def __bool__(self) -> bool:
            return True

    def default(_: object) -> str:
        frame = own_frame(sys._getframe().f_back)
        seen.append(-1 if frame is None else frame.f_lineno)
        return "x"

    json.dumps(Value(), default=default)
    assert seen == [default.__code__.co_firstlineno + 5]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import json\nimport tarry_is_not_there\n", r"No module named 'tarry_is_not_there'; .*line 2"),
        ("\n\nfrom json import nothing\n", r"ImportError: cannot import name 'nothing' .*line 3"),
        ("import json\njson.loads('')\n", r"JSONDecodeError: .*line 2"),
        ("a = = 2\n", r"SyntaxError: .*line 1"),
    ],
)
def test_an_import_that_fails_in_a_lambda_names_the_line_that_imports(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"own_code_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match=says) as raised:
        load_app(f"{name}:app")
    assert f"{name}.py line " in str(raised.value)
    assert "importlib" not in str(raised.value)
