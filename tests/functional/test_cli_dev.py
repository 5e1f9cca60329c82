"""``tarry dev`` as a person uses it: started, sent to, asked, ended by Ctrl-C."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tarry_dev.cli.commands.registry import app as tarry
from tests.functional.serving import ROOT, Dev, eventually

ADA = {"userId": "u-1", "email": "ada@shop.test"}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dev]:
    dev = Dev("examples.onboarding:app", tmp_path)
    monkeypatch.chdir(tmp_path)
    yield dev
    dev.stop()


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(f"{url}/events", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def runs_with(status: str) -> list[Any]:
    result = CliRunner().invoke(tarry, ["runs", "--status", status, "--json"])
    found: list[Any] = json.loads(result.stdout)["runs"]
    return found


def test_a_run_is_started_by_http_resumed_by_send_and_shown_until_ctrl_c(dev: Dev, tmp_path: Path) -> None:
    post(dev.url, {"name": "app/account.created", "data": ADA, "id": "e-1"})
    run = eventually(lambda: [run for run in runs_with("running") if run["open"]])[0]
    assert run["event"]["id"] == "e-1"

    assert f"page {dev.url}/runs/{run['id']}" in CliRunner().invoke(tarry, ["run", run["id"]]).stdout.replace("\n", "")
    shown = urllib.request.Request(f"{dev.url}/runs/{run['id']}", headers={"Accept": "text/html,*/*;q=0.8"})
    with urllib.request.urlopen(shown) as page_of_run:
        assert "Waits for app/onboarding.completed where data.userId = &#34;u-1&#34;" in page_of_run.read().decode()
    with urllib.request.urlopen(f"{dev.url}/runs/{run['id']}") as document:
        assert json.load(document)["id"] == run["id"], "a program gets the document"

    sent = CliRunner().invoke(tarry, ["send", "app/onboarding.completed", json.dumps(ADA)])
    assert sent.exit_code == 0
    finished = eventually(lambda: runs_with("finished"))
    assert [run["output"] for run in finished] == ["onboarded"]

    second = CliRunner().invoke(tarry, ["dev", "examples.onboarding:app"])
    assert second.exit_code == 1
    assert f"a tarry dev already runs in this folder, app shop at {dev.url}" in second.stderr

    command = f"""curl {dev.url}/events -d '{{"name": "app/account.created", "data": {{"key": "value"}}}}'\n"""
    page = f"  {dev.url}/runs/{run['id']}\n"
    assert dev.stop() == 0
    assert not (tmp_path / ".tarry/dev.json").exists()
    assert page in dev.output
    assert command in dev.output, "a line that a person copies is broken in two"
    for line in (
        'started by app/account.created {"userId": "u-1", "email": "ada@shop.test"}',
        "send-welcome-email took ",
        "wait-for-onboarding: waits for app/onboarding.completed until ",
        "wait-for-onboarding: resumed by app/onboarding.completed ",
        "finished after ",
        '"onboarded"',
        "ended; its runs go on when it starts again",
    ):
        assert line in dev.output
    assert "Traceback" not in dev.output


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("examples.nowhere:app", "No module named 'examples.nowhere'; looked in "),
        ("examples.onboarding:other", "other in examples.onboarding is not a tarry.App; this module has app"),
        ("examples.onboarding", "write module:attribute, such as examples.onboarding:app"),
        ("examples/onboarding.py:app", "give module and app instead, such as examples.onboarding:app"),
        ("broken:app", "Python cannot import its module: ZeroDivisionError: division by zero"),
        ("needs:app", "app 'needs:app': No module named 'tarry_is_not_there'; "),
        ("needs:app", "needs.py line 2"),
        ("calls:app", "JSONDecodeError: Expecting value: line 1 column 1 (char 0); "),
        ("calls:app", "calls.py line 3"),
        ("wrong:app", "wrong.py line 2"),
        ("gives_up:app", "Python cannot import its module: SystemExit: no settings; "),
        ("gives_up:app", "gives_up.py line 3"),
    ],
)
def test_an_app_that_is_not_there_is_named(
    target: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "needs.py").write_text("import json\nimport tarry_is_not_there\n")
    (tmp_path / "calls.py").write_text("import json\n\napp = json.loads('')\n")
    (tmp_path / "gives_up.py").write_text("import sys\n\nsys.exit('no settings')\n")
    (tmp_path / "wrong.py").write_text("app = 1\napp = = 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    result = CliRunner().invoke(tarry, ["dev", target, "--no-reload"])
    assert result.exit_code == 1
    assert says in " ".join(result.stderr.split())
    assert "importlib" not in result.stderr
    assert result.stdout == ""


def test_a_port_in_use_is_an_error_that_offers_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(tarry, ["dev", "examples.onboarding:app", "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port} is in use" in result.stderr


def test_help_and_version_do_without_boto() -> None:
    code = "import sys; from tarry_dev.cli import main; sys.argv = ['tarry', '--version']\ntry: main()\n"
    code += "except SystemExit: print(sorted({'boto3', 'moto', 'pynamodb'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("tarry ")
    assert shown.stdout.endswith("[]\n")
