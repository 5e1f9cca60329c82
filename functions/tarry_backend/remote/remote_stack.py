"""What a deployed stack needs for its remote apps: their directory, and its keys."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tarry_backend.remote.directory import Directory, JoinedApp, JoinedManifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry import App
    from tarry_backend.deploy.manifest import HostedManifest, Manifest
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.remote.directory import Known

__all__ = ["PREFIX", "RemoteStack", "secret_text"]

PREFIX = "signkey-tarry-"
"""What the signing key begins with. The secret has the rest, which is hexadecimal."""


class RemoteStack:
    """The remote apps of a stack. The keys are read from Secrets Manager once in a process, and only where needed."""

    def __init__(self, stack_app: str, read: Callable[[], Known], settings: Settings) -> None:
        self._settings = settings
        self.directory = Directory(stack_app, read, self.signing_key)

    def signing_key(self) -> str | None:
        """Return the key with which requests to apps are signed."""
        return f"{PREFIX}{secret_text(self._settings.signing_secret)}"

    def event_key(self) -> str:
        """Return the key with which apps send events."""
        return secret_text(self._settings.event_secret)

    def app(self, own: App) -> JoinedApp:
        """Return the app with the functions of the remote apps."""
        return JoinedApp(own, self.directory)

    def manifest(self, own: Manifest | HostedManifest) -> JoinedManifest:
        """Return the manifest with the functions of the remote apps."""
        return JoinedManifest(own, self.directory)


@lru_cache(maxsize=8)
def secret_text(name: str) -> str:
    """Return the text of a secret."""
    import boto3

    text: str = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return text.strip()
