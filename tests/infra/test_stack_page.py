"""The program of the stack's page in the reference, as it stands there."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.functional.pages import blocks
from tests.functional.serving import ROOT
from tests.infra.conftest import NO_BUNDLING


def test_the_pages_program_synthesises_the_stack(tmp_path: Path) -> None:
    (program,) = blocks(ROOT / "docs/reference/stack.md")
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(NO_BUNDLING)}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True)
    template = json.loads((tmp_path / "Shop.template.json").read_text())
    functions = [
        each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"
    ]
    executor = [each["Environment"]["Variables"] for each in functions if each.get("MemorySize") == 1769]
    assert {variables["TARRY_MAX_STEPS"] for variables in executor} == {"5000"}
