"""The tree as data, for the tests of what must hold for it as a whole."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

SOURCES = {
    "tarry": ROOT / "sdk/tarry",
    "tarry_backend": ROOT / "functions/tarry_backend",
    "tarry_dev": ROOT / "sdk/tarry_dev",
    "tarry_infra": ROOT / "infra/tarry_infra",
}


def tracked() -> list[Path]:
    """The files that git tracks or, were all added now, would track."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def pins(lock: str) -> dict[str, set[str]]:
    """A lock file's packages with their versions: several where they differ by Python version."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def imports(node: ast.AST) -> Iterator[str]:
    """The top-level packages that a piece of code imports, but for those it imports for its types alone."""
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return
        case ast.Import(names):
            yield from (name.name.partition(".")[0] for name in names)
        case ast.ImportFrom(str(module), level=0):
            yield module.partition(".")[0]
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


def imported_by(package: str) -> set[tuple[str, str]]:
    """Each file of a package with each package that it imports."""
    return {
        (str(path.relative_to(ROOT)), name)
        for path in SOURCES[package].rglob("*.py")
        for name in imports(ast.parse(path.read_bytes()))
    }
