"""The program of the stack's page in the reference, as it stands there."""

import json
from functools import partial
from pathlib import Path

import aws_cdk as cdk
import pytest

from tests.functional.pages import blocks
from tests.functional.serving import ROOT
from tests.infra.conftest import NO_BUNDLING


def test_the_pages_program_synthesises_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = blocks(ROOT / "docs/reference/stack.md")
    # As the CDK would tell it by the environment, which a Node process that runs already does not see.
    monkeypatch.setattr(cdk, "App", partial(cdk.App, outdir=str(tmp_path), context=NO_BUNDLING))
    exec(program, {})
    template = json.loads((tmp_path / "Shop.template.json").read_text())
    functions = [
        each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"
    ]
    executor = [each["Environment"]["Variables"] for each in functions if each.get("MemorySize") == 1769]
    assert {variables["TARRY_MAX_STEPS"] for variables in executor} == {"5000"}
