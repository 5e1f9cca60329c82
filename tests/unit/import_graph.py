"""Which module of Tarry imports which, as a graph: also what a module imports only for its types."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.unit.repository import SOURCES

Graph = Mapping[str, set[str]]


def graph(package: str) -> Graph:
    """Each module of the package with the modules of the package that it imports."""
    base = SOURCES[package].parent
    files = {_name(path, base): path for path in SOURCES[package].rglob("*.py")}
    return {name: set(_imported(path, files)) - {name} for name, path in files.items()}


def reachable(modules: Graph, start: str) -> set[str]:
    """What a module imports, directly or by others. It is among them if it is part of a circle."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = modules[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def circles(modules: Graph) -> set[frozenset[str]]:
    """The groups of modules each of which imports, by some way, each other."""
    reach = {name: reachable(modules, name) for name in modules}
    return {
        frozenset(other for other in reach[name] if name in reach[other]) for name in modules if name in reach[name]
    }


def _name(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names):
                yield from (each.name for each in names if each.name in files)
            case ast.ImportFrom(str(module), names, level=0):
                wanted = {f"{module}.{each.name}" for each in names}
                yield from wanted & files.keys()
                if module in files and wanted - files.keys():
                    yield module
