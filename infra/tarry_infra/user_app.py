"""The user's app at synthesis: what it is called and which files it is made of."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.runtime import load_app
from tarry_infra.requirements import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UserApp", "sources_of"]


@dataclass(frozen=True, slots=True)
class UserApp:
    """``spec`` is ``module:attribute``, ``id`` the app's own, ``bus`` the name of that to which it sends, ``sources``
    what goes into the Lambdas, and ``requirements`` the file of what it needs from a package index."""

    spec: str
    id: str
    bus: str
    sources: tuple[Path, ...]
    requirements: Path | None = None

    @classmethod
    def load(cls, spec: str, modules: Sequence[str] = (), requirements: str | Path | None = None) -> UserApp:
        """Imports the app. The top-level package or module that holds it goes along, and so do ``modules``.

        Raises ``UsageError`` if there is no ``tarry.App`` at ``spec``, or no such file of requirements.
        """
        app = load_app(spec)
        tops = dict.fromkeys(module.split(":")[0].split(".")[0] for module in (spec, *modules))
        sources = tuple(path for top in tops for path in sources_of(top))
        if requirements is None:
            return cls(spec, app.id, app.bus.name, sources)
        return cls(spec, app.id, app.bus.name, sources, files_of(Path(requirements))[0])


def sources_of(module: str) -> list[Path]:
    """Where a top-level module lies: its file, its folder, or the several folders of a namespace package."""
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations:
        return list(dict.fromkeys(map(Path, found.submodule_search_locations)))  # a path may stand twice in sys.path
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise UsageError(f"module {module!r} cannot be found, so it cannot be packed")
    return [Path(found.origin)]
