"""`make audit`: known vulnerabilities of what the lock files pin, as pip-audit finds them.

pip-audit says "no known vulnerabilities" also of packages that it could not look up. Here, such an audit fails.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["findings", "main"]

_OPTIONS = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "--requirement"]


def findings(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities of a report of pip-audit, and the packages that it knows nothing about."""
    vulnerable: list[str] = []
    unknown: list[str] = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unknown.append(package["name"])
        for each in package.get("vulns", ()):
            mended = ", ".join(each.get("fix_versions", ())) or "no release yet"
            vulnerable.append(f"{package['name']} {package['version']}: {each['id']}, mended in {mended}")
    return vulnerable, unknown


def main(pip_audit: str, locks: Sequence[str]) -> int:
    """Audit each lock file; return 0 only if every package of them was looked up and has no known vulnerability."""
    return max(_audit(pip_audit, lock) for lock in locks)


def _audit(pip_audit: str, lock: str) -> int:
    run = subprocess.run([pip_audit, *_OPTIONS, lock], capture_output=True, text=True, check=False)
    try:
        vulnerable, unknown = findings(json.loads(run.stdout))
    except (ValueError, KeyError):
        said = "\n".join(run.stderr.strip().splitlines()[-5:])
        print(f"{lock}: NOT AUDITED. pip-audit could not reach its data, or failed:\n{said}", file=sys.stderr)
        return 2
    for line in vulnerable:
        print(f"{lock}: {line}", file=sys.stderr)
    if unknown:
        print(
            f"{lock}: NOT AUDITED: {len(unknown)} packages, such as {unknown[0]}. The index that pip-audit asks does"
            " not know them: it cannot be reached from here, or is another than theirs.",
            file=sys.stderr,
        )
        return 2
    if vulnerable:
        return 1
    print(f"{lock}: no known vulnerability")
    return 0


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1])), sys.argv[2:]))
