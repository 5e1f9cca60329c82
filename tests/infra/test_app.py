"""``cdk synth`` and ``make synth``: the program that the CDK starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tarry_infra.app import DEFAULT_APP
from tarry_infra.names import default_stack_name
from tarry_infra.user_app import UserApp
from tests.infra.conftest import NO_BUNDLING, SHOP

ROOT = Path(__file__).parents[2]


def synth(outdir: Path, context: dict[str, object], **variables: str) -> subprocess.CompletedProcess[str]:
    """Starts the app as the CDK does."""
    environment = {
        **os.environ,
        **variables,
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    command = [sys.executable, "-m", "tarry_infra.app"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_context_chooses_the_app_and_nothing_is_printed(tmp_path: Path) -> None:
    run = synth(tmp_path, NO_BUNDLING | {"app": SHOP}, CDK_VALIDATION="true")
    assert (run.returncode, run.stdout) == (0, "")
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []
    (stack,) = (
        artifact
        for artifact in json.loads((tmp_path / "manifest.json").read_text())["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    )
    assert stack["properties"]["stackName"] == "tarry-shop"


def test_a_stack_is_named_as_cloudformation_allows() -> None:
    assert default_stack_name("my_shop.v2") == "tarry-my-shop-v2"


def test_an_app_that_is_none_is_an_error_of_one_line(tmp_path: Path) -> None:
    run = synth(tmp_path, {"app": "tests.infra.nothing:app"})
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "tarry: app 'tests.infra.nothing:app'" in run.stderr


def test_dependencies_that_cannot_be_had_are_told_without_a_traceback(tmp_path: Path) -> None:
    nowhere = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    run = synth(tmp_path / "cdk.out", {"app": SHOP}, **nowhere)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "check that uv or pip can reach its package index" in run.stderr


def test_the_default_app_is_there() -> None:
    assert UserApp.load(DEFAULT_APP).sources == (ROOT / "examples",)


def test_the_cdk_is_told_to_start_this_program() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == ".venv/bin/python -m tarry_infra.app"
