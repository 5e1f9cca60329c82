"""The manifest of an app: what the Lambdas that run no function know of it, without its code.

Synthesis writes it into the Lambdas' zip. So matcher, timers, sweep and API neither import the user's app nor wait for
its imports, and an app that cannot be imported stops the executor alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tarry.errors import TarryError
from tarry_backend.deploy.function_facts import FunctionFacts, TriggerFacts, read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry import App

__all__ = ["FILE", "FORMAT", "HostedManifest", "Manifest", "ManifestError", "path_of_manifest"]

FILE = "tarry-manifest.json"
"""The manifest's name, at the root of the Lambdas' zip."""

FORMAT = 1
"""The number of this format. A Lambda imports the app if its zip has a manifest of another one."""


class ManifestError(TarryError):
    """The manifest is missing, is of another format or app, or is damaged."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An app's id, and the facts of its functions by their ids."""

    id: str
    functions: Mapping[str, FunctionFacts]

    @classmethod
    def of(cls, app: App) -> Self:
        """Return the manifest of an app."""
        return cls(app.id, {function.id: FunctionFacts.of(function) for function in app.functions.values()})

    @property
    def facts(self) -> tuple[FunctionFacts, ...]:
        """The facts of all functions."""
        return tuple(self.functions.values())

    @property
    def digest(self) -> str:
        """A hash of all that the app declares. Two apps of one digest start the same runs."""
        return hashlib.sha256(json.dumps(self._declared(), separators=(",", ":")).encode()).hexdigest()

    def text(self, spec: str) -> str:
        """Return the file. ``spec`` is the app as ``module:attribute``."""
        document = {"format": FORMAT, "app": spec, "digest": self.digest, "declares": self._declared()}
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, spec: str) -> Self:
        """Return the manifest that ``text`` wrote.

        Raises:
            ManifestError: It is of another format or of another app, or its digest is not that of its content.
        """
        try:
            document: Any = json.loads(text)
            if document["format"] != FORMAT:
                raise ManifestError(f"its format is {document['format']!r}, and this release of Tarry reads {FORMAT}")
            if document["app"] != spec:
                raise ManifestError(f"it is of app {document['app']!r}, and the Lambda's app is {spec!r}")
            app_id, rows = document["declares"]
            manifest = cls(app_id, {row[0]: _facts(*row) for row in rows})
            is_whole = manifest.digest == document["digest"]
        except (ValueError, TypeError, LookupError) as error:
            raise ManifestError(f"it is damaged: {error!r}") from error
        if not is_whole:
            raise ManifestError("it is damaged: its digest is not that of its content")
        return manifest

    @classmethod
    def read(cls, path: Path, spec: str) -> Self:
        """Return the manifest in a file.

        Raises:
            ManifestError: The file cannot be read, or its content is not valid.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ManifestError(f"it cannot be read: {error}") from error
        return cls.parse(text, spec)

    def _declared(self) -> list[Any]:
        rows = [
            [each.id, each.attempts, each.triggers, each.cancels, each.idempotency, *each.written_options]
            for each in self.facts
        ]
        return [self.id, rows]


class HostedManifest:
    """The manifest of an app in its own process. It takes the stack's road, and follows what the app declares since."""

    def __init__(self, app: App, spec: str) -> None:
        self._app = app
        self._spec = spec
        self._of: tuple[object, ...] | None = None
        self._manifest = Manifest(app.id, {})

    @property
    def id(self) -> str:
        """The app's id."""
        return self._app.id

    @property
    def functions(self) -> Mapping[str, FunctionFacts]:
        """The facts of the functions that the app has now."""
        declared = tuple(self._app.functions.values())
        if declared != self._of:
            self._manifest = Manifest.parse(Manifest.of(self._app).text(self._spec), self._spec)
            self._of = declared
        return self._manifest.functions

    @property
    def facts(self) -> tuple[FunctionFacts, ...]:
        """The facts of all functions."""
        return tuple(self.functions.values())


def path_of_manifest() -> Path:
    """Return where a Lambda has its manifest: beside the packages of its zip."""
    return Path(__file__).parents[2] / FILE


def _facts(
    function: str, attempts: int, triggers: Any, cancels: Any, idempotency: str | None, *options: Any
) -> FunctionFacts:
    return FunctionFacts(
        function,
        attempts,
        tuple(TriggerFacts(*trigger) for trigger in triggers),
        tuple(cancels),
        idempotency,
        **read_options(options),
    )
