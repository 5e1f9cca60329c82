"""The stack, deployed by the CDK as a user does it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.emulator import ROOT, MiniStack

CDK = "aws-cdk@2.1148.1"

_APP = Path(__file__).parent / "deployed"


class Deployment:
    """A folder with a CDK app and the code of its functions, and the commands that a user gives in it."""

    def __init__(self, cloud: MiniStack, folder: Path) -> None:
        self._cloud = cloud
        self._folder = shutil.copytree(_APP, folder)
        self.name = "shop"
        self.said = ""

    def bootstrap(self) -> None:
        """``cdk bootstrap``"""
        self._cdk("bootstrap")

    def deploy(self) -> None:
        """``cdk deploy``"""
        self._cdk("deploy", "--require-approval", "never", "--progress", "events")

    def destroy(self) -> None:
        """``cdk destroy``"""
        self._cdk("destroy", "--force")

    def raise_release(self) -> int:
        """Changes the code of the functions; returns the number of the new release."""
        source = self._folder / "shop.py"
        text = source.read_text()
        found = re.search(r"^RELEASE = (\d+)", text, re.MULTILINE)
        assert found
        new = int(found[1]) + 1
        source.write_text(text.replace(found[0], f"RELEASE = {new}"))
        return new

    def _cdk(self, *arguments: str) -> None:
        run = subprocess.run(
            ["npx", "--yes", CDK, *arguments, "--app", f"{sys.executable} app.py"],
            cwd=self._folder,
            env=self._cloud.environment | {"PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions:{ROOT}/infra"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.said = run.stdout
        assert run.returncode == 0, f"cdk {' '.join(arguments)}:\n{run.stdout}"
