"""Encrypted values: a mark in their place, or, if somebody asks and may, what they are."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry.encryption import ENCRYPTED, Encryption, LocalKey, is_encrypted
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.model.run import RunSnapshot

__all__ = ["LOCAL_KEY", "concealed", "decrypted"]

LOCAL_KEY = "TARRY_LOCAL_KEY"
"""The environment variable with a ``LocalKey``'s secret in base64: for ``tarry dev``."""

_MARK = "(encrypted)"


def concealed(value: Any) -> Any:
    """Return the value with a mark in the place of each ciphertext, for people."""
    if is_encrypted(value):
        rest = {name: concealed(each) for name, each in value.items() if name != ENCRYPTED}
        return {**rest, ENCRYPTED: _MARK} if rest else _MARK
    if isinstance(value, dict):
        return {name: concealed(each) for name, each in value.items()}
    return [concealed(each) for each in value] if isinstance(value, list) else value


def decrypted(snapshot: RunSnapshot) -> RunSnapshot:
    """Return the run with its encrypted values decrypted: by KMS, with the caller's own permissions.

    Raises:
        CommandError: The caller may not use the key, or has not got it.
    """
    opened = _opener()

    def text(stored: str | None) -> str | None:
        return None if stored is None or ENCRYPTED not in stored else json.dumps(_opened(json.loads(stored), opened))

    steps = tuple(replace(step, output=text(step.output) or step.output) for step in snapshot.steps)
    event = replace(snapshot.run.event, data=_opened(dict(snapshot.run.event.data), opened))
    run = replace(snapshot.run, event=event, output=text(snapshot.run.output) or snapshot.run.output)
    return replace(snapshot, run=run, steps=steps)


def _opened(value: Any, opened: Callable[[bytes], Any]) -> Any:
    if is_encrypted(value):
        rest = {name: _opened(each, opened) for name, each in value.items() if name != ENCRYPTED}
        found = opened(base64.b64decode(value[ENCRYPTED]))
        return {**rest, **found} if rest and isinstance(found, dict) else found
    if isinstance(value, dict):
        return {name: _opened(each, opened) for name, each in value.items()}
    return [_opened(each, opened) for each in value] if isinstance(value, list) else value


def _opener() -> Callable[[bytes], Any]:
    if secret := os.environ.get(LOCAL_KEY):
        local = Encryption(LocalKey(base64.b64decode(secret)))
        return lambda message: _asked(lambda: local.decrypted({ENCRYPTED: base64.b64encode(message).decode()}, "it"))

    def by_kms(message: bytes) -> Any:
        from tarry._encryption.materials import discovered

        return json.loads(discovered(message))

    return lambda message: _asked(lambda: by_kms(message))


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise CommandError(
            f"a value cannot be decrypted: {error}; your credentials need kms:Decrypt on the key, or set {LOCAL_KEY} "
            "to a local key in base64"
        ) from error
