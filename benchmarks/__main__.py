"""``python -m benchmarks [NAME ...]``: runs the benchmarks named, or all of them, one after the other."""

import argparse
import ast
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main(argv: list[str]) -> None:
    found = discover(FOLDER)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures what is claimed.")
    parser.add_argument("--list", action="store_true", help="name the benchmarks, and run none")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run these alone")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(found):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are: {', '.join(found)}")
    if options.list:
        _list(found)
        return
    for name in options.names or found:
        print(f"== {name}", flush=True)
        importlib.import_module(f"{__package__}.{name}").main()


def discover(folder: Path) -> dict[str, str]:
    """The benchmarks in a folder, by name, each with the first line of its docstring.

    They are read, not imported, so that listing them loads nothing.
    """
    modules = {path.stem: ast.parse(path.read_bytes()) for path in sorted(folder.glob("[!_]*.py"))}
    return {
        name: (ast.get_docstring(tree) or "").partition("\n")[0]
        for name, tree in modules.items()
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
    }


def _list(found: dict[str, str]) -> None:
    width = max(map(len, found), default=0)
    for name, summary in found.items():
        print(f"{name:{width}}  {summary}".rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
