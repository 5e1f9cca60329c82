"""The remote apps of a stack, as a process knows them: their functions, read from the table now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from tarry.app import App
from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.deploy.function_facts import FunctionFacts
from tarry_backend.deploy.manifest import HostedManifest, Manifest
from tarry_backend.remote.handler import RemoteHandler
from tarry_backend.remote.manifest import AppManifest, SyncError
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from tarry.function import Function

__all__ = [
    "FRESH",
    "Directory",
    "JoinedApp",
    "JoinedFunctions",
    "JoinedManifest",
    "Known",
    "check_apart",
    "functions_of",
]

T = TypeVar("T")

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

    def crons(self) -> list[tuple[Function, int]]:
        """Return the functions, each with when its app was last changed, in Unix milliseconds."""
        self.functions()
        synced = {app_id: moment for app_id, (_, moment) in self._known.items()}
        return [(each, synced[handler_of(each).app_id]) for each in self._functions.values()]

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
                found |= functions_of(AppManifest.parse(manifest), self._stack_app, self._key, checked=False)
            except UsageError as error:
                logger.error("remote app %s is left out: %s", app_id, error)
        return found


def handler_of(function: Function) -> RemoteHandler:
    """Return the handler of a remote function."""
    assert isinstance(function.handler, RemoteHandler)
    return function.handler


def check_apart(manifest: AppManifest, known: Known, own: Container[str]) -> None:
    """Check that no function of an app has the id of another app's, or of one of the stack's own.

    App ``a-b`` with function ``c`` and app ``a`` with function ``b-c`` have both ``a-b-c``.

    Raises:
        SyncError: One has.
    """
    theirs = {
        str(function.get("id")): app_id
        for app_id, (text, _) in known.items()
        for function in AppManifest.parse(text).functions
        if app_id != manifest.id
    }
    ids = [str(function.get("id")) for function in manifest.functions]
    taken = {each: theirs.get(each, "the stack's own") for each in ids if each in own or each in theirs}
    if taken:
        raise SyncError(manifest.id, (f"another app has function {name!r}: {whose}" for name, whose in taken.items()))


def functions_of(
    manifest: AppManifest, stack_app: str, key: Callable[[], str | None], *, checked: bool = True
) -> Mapping[str, Function]:
    """Return the functions of an app.

    Raises:
        SyncError: See ``AppManifest.tarry_functions``.
    """
    handler = RemoteHandler(manifest.id, manifest.url, key, manifest.is_go)
    return manifest.tarry_functions(stack_app, handler, checked=checked)


class JoinedApp(App):
    """An app whose functions are its own, and those of the stack's remote apps. Its own come first."""

    def __init__(self, own: App, directory: Directory) -> None:
        self.__dict__.update(own.__dict__)
        self.own = own
        self._joined = JoinedFunctions(lambda: own.functions, directory, lambda function: function)

    @property
    def functions(self) -> Mapping[str, Function]:
        """The functions by their ids."""
        return self._joined


class JoinedFunctions(Mapping[str, T]):
    """Functions by their ids: ``own`` returns a stack's own; ``made`` makes of a remote one what there is of these.

    A function that is lacking is looked for again, since its app may have been synced meanwhile.
    """

    def __init__(self, own: Callable[[], Mapping[str, T]], directory: Directory, made: Callable[[Function], T]) -> None:
        self._own = own
        self._directory = directory
        self._made = made
        self._known: dict[str, tuple[Function, T]] = {}

    def __getitem__(self, function_id: str) -> T:
        own = self._own()
        if function_id in own:
            return own[function_id]
        there = self._directory.functions()
        function = (there if function_id in there else self._directory.newer())[function_id]
        known = self._known.get(function_id)
        if known is None or known[0] is not function:  # each event asks for each function
            known = self._known[function_id] = function, self._made(function)
        return known[1]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._directory.functions(), **self._own()})

    def __len__(self) -> int:
        return len({**self._directory.functions(), **self._own()})


class JoinedManifest(HostedManifest):
    """The manifest of a stack's own functions, and of its remote apps."""

    def __init__(self, own: Manifest | HostedManifest, directory: Directory) -> None:
        self.own = own
        self._joined = JoinedFunctions(lambda: own.functions, directory, FunctionFacts.of)

    @property
    def id(self) -> str:
        """The id of the stack's app."""
        return self.own.id

    @property
    def functions(self) -> Mapping[str, FunctionFacts]:
        """The facts of the functions, as they were at most a minute ago."""
        return self._joined
