"""What `make audit` makes of pip-audit's answers: it passes only if each package was looked up."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.inspection.audit import main

CLEAN = {"name": "boto3", "version": "1.0", "vulns": []}
VULNERABLE = {"name": "six", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "botocore", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def audit(folder: Path, answer: str, code: int = 0) -> int:
    """Audits a lock file with a program that answers like pip-audit."""
    program = folder / "pip-audit"
    program.write_text(f"#!{sys.executable}\nprint({answer!r})\nraise SystemExit({code})\n")
    program.chmod(0o755)
    return main(str(program), ["a.lock"])


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages})


def test_packages_without_a_known_vulnerability_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, report(CLEAN)) == 0
    assert capsys.readouterr().out == "a.lock: no known vulnerability\n"


def test_a_vulnerability_fails_and_is_named_with_its_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, report(CLEAN, VULNERABLE), code=1) == 1
    assert "a.lock: six 1.0: CVE-1, mended in 1.1" in capsys.readouterr().err


def test_a_package_that_was_not_looked_up_fails_although_pip_audit_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(tmp_path, report(CLEAN, SKIPPED)) == 2
    assert "NOT AUDITED: 1 packages, such as botocore" in capsys.readouterr().err


def test_an_audit_that_could_not_reach_its_data_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, "", code=1) == 2
    assert "a.lock: NOT AUDITED. pip-audit could not reach its data" in capsys.readouterr().err
