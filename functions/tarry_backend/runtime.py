"""The objects of a Lambda, made once, at cold start, from the environment."""

from __future__ import annotations

import importlib
import random
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tarry._wire.aws import client, load
from tarry._wire.bus import EventBus
from tarry.errors import UsageError
from tarry_backend import initialisation
from tarry_backend.deploy.manifest import HostedManifest, Manifest, ManifestError, path_of_manifest
from tarry_backend.deploy.settings import Settings
from tarry_backend.queues.sender import Queues
from tarry_backend.store import Store, open_store
from tarry_backend.store.lean_client import take_lean_road
from tarry_backend.telemetry import identify, logger, meter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_events import EventBridgeClient

    from tarry import App
    from tarry.signals import Signals
    from tarry_backend.executor.executor import Executor
    from tarry_backend.matcher.matcher import Matcher
    from tarry_backend.remote.remote_stack import RemoteStack
    from tarry_backend.timers.timers import Timers

__all__ = ["Runtime", "host", "load_app", "prepare", "process", "runtime"]

_hosted: App | None = None

_process: ContextVar[str] = ContextVar("tarry_process", default="")


class _Bus(EventBus):
    """The bus, with a client that takes the lean road."""

    _client: EventBridgeClient = client("events", take_lean_road)


@dataclass(frozen=True)
class Runtime:
    """The parts of a Lambda. Only the executor imports the app; the others know it by its manifest."""

    manifest: Manifest | HostedManifest
    settings: Settings
    store: Store
    queues: Queues
    bus: EventBus

    @cached_property
    def remote(self) -> RemoteStack | None:
        """What the stack's remote apps need; ``None``, and nothing is loaded, in a stack without one."""
        if not self.settings.signing_secret:
            return None
        from tarry_backend.remote.remote_stack import RemoteStack

        return RemoteStack(self.manifest.id, self.store.remote_apps.all, self.settings)

    @cached_property
    def declared(self) -> Manifest | HostedManifest:
        """What the stack's functions declare, also those of remote apps."""
        return self.manifest if self.remote is None else self.remote.manifest(self.manifest)

    @cached_property
    def app(self) -> App:
        """The app itself, imported at its first use, with the functions of remote apps."""
        return self._own_app if self.remote is None else self.remote.app(self._own_app)

    @property
    def _own_app(self) -> App:
        app = _hosted or load_app(self.settings.app)
        if isinstance(self.manifest, Manifest) and Manifest.of(app).digest != self.manifest.digest:
            logger.warning(
                "app %r declares something else here than where it was synthesised, such as other triggers: "
                "the matcher uses what it declared there; let no declaration depend on the environment",
                self.settings.app,
            )
        return app

    @cached_property
    def signals(self) -> Signals:
        """The way to runs that wait for signals."""
        from tarry.signals import Signals

        return Signals()

    # Each Lambda loads only its own part.

    @cached_property
    def matcher(self) -> Matcher:
        from tarry_backend.matcher.matcher import Matcher

        return Matcher(self.declared, self.store, self.queues, meter)

    @cached_property
    def executor(self) -> Executor:
        from tarry_backend.executor.executor import Executor

        return Executor(self.app, self.settings, self.store, self.queues, self.bus, meter)

    @cached_property
    def timers(self) -> Timers:
        from tarry_backend.timers.timers import Timers

        return Timers(self.settings, self.store, self.queues)


def runtime() -> Runtime:
    """Return this process's runtime. If the app cannot be imported, each invocation fails; its messages stay."""
    return _runtime(_process.get())


def prepare(part: str) -> None:
    """Load a Lambda's part before its first message, while Lambda initialises it; elsewhere do nothing.

    Lambda gives an initialisation more CPU than an invocation. With SnapStart it takes its snapshot of the process
    after this, so nothing here makes a client, opens a connection or draws a random number. The user's module may have
    drawn some: so each restored process seeds ``random`` anew.

    An error makes the publication of a version with SnapStart fail, and so the deployment. Without SnapStart, each
    invocation raises it: its message stays in the queue.
    """
    if not initialisation.is_under_way():
        return
    is_snap_start = initialisation.is_snap_start()
    try:
        with nullcontext() if is_snap_start else suppress(Exception):
            load()
            getattr(runtime(), part)
    finally:
        initialisation.end()
    if is_snap_start:
        with suppress(ImportError):  # Lambda's managed runtimes have it
            importlib.import_module("snapshot_restore_py").register_after_restore(random.seed)


@contextmanager
def process(name: str) -> Iterator[None]:
    """Make ``runtime`` that of the named process within the block: the embedded cloud has several Lambdas in one."""
    before = _process.set(name)
    try:
        yield
    finally:
        _process.reset(before)


@cache
def _runtime(process_name: str) -> Runtime:
    settings = Settings.read()
    manifest = HostedManifest(_hosted, settings.app) if _hosted else _read_manifest(settings.app)
    identify(manifest.id)
    return Runtime(manifest, settings, open_store(settings), Queues(settings), _Bus(manifest.id, settings.bus))


def _read_manifest(spec: str) -> Manifest:
    """Return the manifest of this Lambda's zip, or that of the imported app if there is none that can be read."""
    path = path_of_manifest()
    try:
        return Manifest.read(path, spec)
    except ManifestError as error:
        logger.warning("no manifest of app %r in %s: %s; so this Lambda imports the app", spec, path, error)
        return Manifest.of(load_app(spec))


def host(app: App | None) -> None:
    """Use ``app`` instead of the one that ``TARRY_APP`` names, and read the environment again."""
    global _hosted  # a Lambda's process has one app; only the embedded cloud changes it
    _hosted = app
    _runtime.cache_clear()


def load_app(target: str) -> App:
    """Return the app that ``module:attribute`` names.

    Raises:
        UsageError: There is no such app, or its module cannot be imported. The error names the user's failing line.
    """
    from tarry._engine.error_text import message_of, name_of
    from tarry.app import App
    from tarry_backend.model.own_code import place_of_import_error

    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        such = f"{module_name or 'shop.functions'}:app"
        raise UsageError(f"app {target!r}: write module:attribute, such as {such}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        where = place_of_import_error(error)
        if f"{module_name}.".startswith(f"{error.name}."):  # no line imports it: it is the app's own module
            where = f"looked in {Path.cwd()} and the rest of sys.path"
        raise UsageError(f"app {target!r}: {error}; {where}") from error
    except (Exception, SystemExit) as error:  # an app's own sys.exit would end a command, or a Lambda, without a reason
        problem = f"Python cannot import its module: {name_of(error)}: {message_of(error)}"
        raise UsageError(f"app {target!r}: {problem}; {place_of_import_error(error)}".removesuffix("; ")) from error
    app = getattr(module, attribute, None)
    if not isinstance(app, App):
        there = [name for name, value in vars(module).items() if isinstance(value, App)]
        hint = f"; this module has {', '.join(there)}" if there else ""
        raise UsageError(f"app {target!r}: {attribute} in {module_name} is not a tarry.App{hint}")
    return app
