"""The user's app at synthesis: its name, and the files that it consists of."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.deploy.manifest import Manifest
from tarry_backend.runtime import load_app
from tarry_infra.requirements import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UserApp", "sources_of"]


@dataclass(frozen=True, slots=True)
class UserApp:
    """The user's app.

    Attributes:
        spec: ``module:attribute``.
        id: The app's id.
        bus: The name of the bus that the app itself names, or ``None``.
        sources: The files and folders that go into the Lambdas.
        requirements: The file of what it needs from a package index.
        manifest: What it declares, as the text of a ``Manifest``.
    """

    spec: str
    id: str
    bus: str | None
    sources: tuple[Path, ...]
    requirements: Path | None = None
    manifest: str = ""

    @classmethod
    def load(cls, spec: str, modules: Sequence[str] = (), requirements: str | Path | None = None) -> UserApp:
        """Import the app. The top-level package or module that holds it goes into the Lambdas, and so do ``modules``.

        Raises:
            UsageError: There is no ``tarry.App`` at ``spec``, or a module or requirements file is missing.
        """
        app = load_app(spec)
        tops = dict.fromkeys(module.split(":")[0].split(".")[0] for module in (spec, *modules))
        sources = tuple(path for top in tops for path in sources_of(top))
        file = None if requirements is None else files_of(Path(requirements))[0]
        return cls(spec, app.id, app.bus.given_name, sources, file, Manifest.of(app).text(spec))


def sources_of(module: str) -> list[Path]:
    """Return the file or folder of a top-level module, or the several folders of a namespace package."""
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations:
        return list(dict.fromkeys(map(Path, found.submodule_search_locations)))  # sys.path may have a path twice
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise UsageError(f"module {module!r} does not exist on sys.path, so it cannot go into the Lambdas")
    return [Path(found.origin)]
