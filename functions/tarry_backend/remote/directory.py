"""The remote apps of a stack, as a process knows them: their functions, read from the table now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tarry.app import App
from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.remote.handler import RemoteHandler
from tarry_backend.remote.manifest import AppManifest
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry.function import Function

__all__ = ["FRESH", "Directory", "JoinedApp", "Known", "functions_of"]

FRESH = 60_000
"""How long, in milliseconds, a process trusts what it has read of the stack's remote apps."""

_AGAIN = 1_000
"""How long until a process that lacks a function reads again."""

Known = Mapping[str, tuple[str, int]]
"""By each remote app's id its manifest, and when that last changed."""


class Directory:
    """The functions of a stack's remote apps. ``read`` reads the apps, ``key`` returns the signing key."""

    def __init__(
        self,
        stack_app: str,
        read: Callable[[], Known],
        key: Callable[[], str | None],
        fresh: int = FRESH,
    ) -> None:
        self._stack_app = stack_app
        self._read = read
        self._key = key
        self._fresh = fresh
        self._read_at: int | None = None
        self._known: Known = {}
        self._functions: Mapping[str, Function] = {}

    def functions(self) -> Mapping[str, Function]:
        """Return the functions by their ids, as they were at most a minute ago."""
        return self._at_most(self._fresh)

    def newer(self) -> Mapping[str, Function]:
        """Return the functions anew, for one that is lacking: an app may have been synced just now."""
        return self._at_most(_AGAIN)

    def forget(self) -> None:
        """Read again at the next question."""
        self._read_at = None

    def _at_most(self, age: int) -> Mapping[str, Function]:
        moment = now()
        if self._read_at is None or not 0 <= moment - self._read_at < age:
            known = self._read()
            if known != self._known:
                self._known, self._functions = known, self._made(known)
            self._read_at = moment
        return self._functions

    def _made(self, known: Known) -> Mapping[str, Function]:
        """The functions of an app that another release has synced, and that this one refuses, are left out."""
        found: dict[str, Function] = {}
        for app_id, (manifest, _) in known.items():
            try:
                found |= functions_of(AppManifest.parse(manifest), self._stack_app, self._key)
            except UsageError as error:
                logger.error("remote app %s is left out: %s", app_id, error)
        return found


def functions_of(manifest: AppManifest, stack_app: str, key: Callable[[], str | None]) -> Mapping[str, Function]:
    """Return the functions of an app.

    Raises:
        SyncError: See ``AppManifest.tarry_functions``.
    """
    handler = RemoteHandler(manifest.id, manifest.url, key, manifest.can_fetch)
    return manifest.tarry_functions(stack_app, handler)


class JoinedApp(App):
    """An app whose functions are its own, and those of the stack's remote apps. Its own come first."""

    def __init__(self, own: App, directory: Directory) -> None:
        self.__dict__.update(own.__dict__)
        self.own = own
        self._joined = _JoinedFunctions(own, directory)

    @property
    def functions(self) -> Mapping[str, Function]:
        """The functions by their ids."""
        return self._joined


class _JoinedFunctions(Mapping[str, "Function"]):
    def __init__(self, own: App, directory: Directory) -> None:
        self._own = own
        self._directory = directory

    def __getitem__(self, function_id: str) -> Function:
        for there in (self._own.functions, self._directory.functions()):
            if function_id in there:
                return there[function_id]
        return self._directory.newer()[function_id]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._directory.functions(), **self._own.functions})

    def __len__(self) -> int:
        return len({**self._directory.functions(), **self._own.functions})
