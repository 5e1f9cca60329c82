"""The stack, deployed by the CDK as a user does it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.cloud import Cloud
from tests.e2e.emulator import ROOT
from tests.functional.remote.typescript import bundle

CDK = "aws-cdk@2.1148.1"

TAG = "tarry-acceptance"
"""The tag, with the stack's name as its value, of a stack that the tests have made, and of all that is in it."""

_APP = Path(__file__).parent / "deployed"


class Deployment:
    """A folder with a CDK app and the code of its functions, and the commands that a user gives in it.

    The app's id is the stack's name, since bus, database and workgroup are named after the app.
    """

    def __init__(self, cloud: Cloud, folder: Path, name: str = "shop") -> None:
        self._cloud = cloud
        self._folder = shutil.copytree(_APP, folder)
        source = self._folder / "shop.py"
        source.write_text(source.read_text().replace('tarry.App("e2e")', f'tarry.App("{name}")'))
        bundle("lambda.ts", self._folder / "campaign/index.js")
        self.name = name
        self.said = ""

    def bootstrap(self) -> None:
        """``cdk bootstrap``"""
        self._cdk("bootstrap")

    def deploy(self) -> None:
        """``cdk deploy``"""
        self._cdk("deploy", "--require-approval", "never", "--progress", "events")

    def raise_release(self) -> int:
        """Changes the code of the functions; returns the number of the new release."""
        source = self._folder / "shop.py"
        text = source.read_text()
        found = re.search(r"^RELEASE = (\d+)", text, re.MULTILINE)
        assert found
        new = int(found[1]) + 1
        source.write_text(text.replace(found[0], f"RELEASE = {new}"))
        return new

    def set_fault(self, fault: str) -> None:
        """Changes the code of the functions: a fault with that text, or none."""
        source = self._folder / "shop.py"
        source.write_text(re.sub(r"^FAULT = .*$", f"FAULT = {fault!r}", source.read_text(), flags=re.MULTILINE))

    def _variables(self) -> dict[str, str]:
        """What the CDK app reads."""
        return {
            "PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions:{ROOT}/infra",
            "E2E_STACK": self.name,
            "E2E_TAG": TAG,
            "E2E_EMULATED": "yes" if self._cloud.is_emulated else "",
        }

    def _cdk(self, *arguments: str) -> None:
        run = subprocess.run(
            ["npx", "--yes", CDK, *arguments, "--app", f"{sys.executable} app.py"],
            cwd=self._folder,
            env={**self._cloud.environment, **self._variables()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.said = run.stdout
        assert run.returncode == 0, f"cdk {' '.join(arguments)}:\n{run.stdout}"
