"""Encryption of payloads: a middleware over the AWS Encryption SDK. It needs ``pip install 'tarry[encryption]'``.

    encryption = Encryption(KmsKey("arn:aws:kms:..."), readable=["orderId"])
    app = tarry.App("shop", middleware=[encryption])

It encrypts the outputs of steps and functions, and the data of events that the app sends, but for the ``readable``
fields. The function sees everything decrypted. The table, the log, the bus and the audit trail have the ciphertext.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tarry._encryption.keys import KmsKey, LocalKey
from tarry._engine.outputtype import OutputType
from tarry._engine.whole_number import is_whole
from tarry._extras import explained
from tarry._wire.jsonvalues import decode, encode
from tarry.durations import milliseconds
from tarry.errors import NonRetriableError, UsageError
from tarry.event import RESERVED
from tarry.middleware import Middleware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tarry._encryption.materials import Materials
    from tarry.context import Context, ContextSync
    from tarry.durations import Duration
    from tarry.event import Event
    from tarry.function import Function
    from tarry.middleware import StepInfo

__all__ = ["ENCRYPTED", "DecryptionError", "Encryption", "KmsKey", "LocalKey", "is_encrypted"]

ENCRYPTED = "$encrypted"
"""The key under which the ciphertext stands: base64 of a message of the AWS Encryption SDK."""


class DecryptionError(NonRetriableError):
    """A stored value cannot be decrypted: it was encrypted under another key, or has been changed."""


class Encryption:
    """The encryption of an app's payloads. Give it as middleware; it keeps data keys between invocations.

    Args:
        key: What encrypts.
        former: Further keys that decrypt: those that encrypted before ``key`` did.
        readable: The fields of an event's data, by name, that stay as they are, for expressions and keys.
        max_age: For how long a process encrypts under one data key.
        max_messages: How many values it encrypts under one data key.

    Raises:
        UsageError: A key or an option is not valid.
    """

    def __init__(
        self,
        key: KmsKey | LocalKey,
        *,
        former: Sequence[KmsKey | LocalKey] = (),
        readable: Sequence[str] = (),
        max_age: Duration = "5m",
        max_messages: int = 10_000,
    ) -> None:
        self.key = key
        self.former = tuple(former)
        self.readable = frozenset([readable] if isinstance(readable, str) else readable)
        self._max_age = milliseconds(max_age) / 1000
        self._max_messages = max_messages
        if not is_whole(max_messages, 1, 2**32) or self._max_age <= 0:
            raise UsageError(
                f"Encryption: max_age={max_age!r}, max_messages={max_messages!r}: give a positive duration, and a "
                "whole number from 1 to 2**32"
            )

    def __call__(self) -> Middleware:
        """Return the middleware of one invocation."""
        return _Encrypted(self)

    @cached_property
    def _materials(self) -> Materials:
        """The AWS Encryption SDK with its cache of data keys. It loads with the first value."""
        try:
            from tarry._encryption.materials import Materials
        except ModuleNotFoundError as error:
            raise explained(error) from error
        return Materials(self.key, self.former, self._max_age, self._max_messages)

    def encrypted(self, text: str) -> dict[str, str]:
        """Return JSON text as what is stored instead."""
        return {ENCRYPTED: base64.b64encode(self._materials.encrypt(text.encode("utf-8", "surrogatepass"))).decode()}

    def decrypted(self, value: Any, what: str) -> Any:
        """Return the value that ``encrypted`` was given; other values as they are."""
        if not is_encrypted(value):
            return value
        try:
            return decode(self._materials.decrypt(base64.b64decode(value[ENCRYPTED])))
        except ModuleNotFoundError:
            raise
        except Exception as error:
            if self._materials.is_outage(error):
                raise
            raise DecryptionError(
                f"{what} cannot be decrypted under the given keys ({error}): add its key to former=[...]"
            ) from error

    def sealed(self, event: Event) -> Event:
        """Return the event with its data encrypted, but for the readable fields."""
        if ENCRYPTED in event.data:
            return event
        secret = {name: value for name, value in event.data.items() if name not in self.readable}
        if not secret:
            return event
        rest = {name: value for name, value in event.data.items() if name in self.readable}
        text = encode(secret, f"event {event.name!r}")
        return replace(event, data={**rest, **self.encrypted(text)})

    def opened(self, data: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return an event's data, decrypted."""
        if not is_encrypted(data):
            return dict(data)
        rest = {name: value for name, value in data.items() if name != ENCRYPTED}
        secret = self.decrypted({ENCRYPTED: data[ENCRYPTED]}, what)
        if not isinstance(secret, dict):
            raise DecryptionError(f"{what} was not encrypted as an event's data: what it holds is no JSON object")
        return {**rest, **secret}

    def _inner(self, event: Any, what: str) -> Any:
        """Return an event within an announcement, decrypted if that is possible."""
        with suppress(DecryptionError):
            if isinstance(event, dict) and is_encrypted(event.get("data")):
                return {**event, "data": self.opened(event["data"], what)}
        return event

    def opened_event(self, name: str, data: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return the data of an event of that name, decrypted.

        The announcement of a run's end has the run's event and result within its data, as they are stored. What another
        function's key has encrypted there stays as it is.
        """
        found = self.opened(data, what)
        if name.startswith(RESERVED):
            found |= {"event": self._inner(found["event"], what)} if "event" in found else {}
            if isinstance(events := found.get("events"), list):
                found["events"] = [self._inner(event, what) for event in events]
            with suppress(DecryptionError):
                if is_encrypted(found.get("result")):
                    found["result"] = self.decrypted(found["result"], what)
        return found


def is_encrypted(value: Any) -> bool:
    """Return whether the value is, or has, what an ``Encryption`` has encrypted."""
    return isinstance(value, dict) and isinstance(value.get(ENCRYPTED), str)


class _Encrypted(Middleware):
    hides_arguments = True

    def __init__(self, encryption: Encryption) -> None:
        self._encryption = encryption
        self._function: Function | None = None

    def transform_input(self, ctx: Context | ContextSync, function: Function) -> None:
        self._function = function
        ctx.events = [self._open(each) for each in ctx.events]

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        if output is None:
            return None
        if step is None:
            kind = None if self._function is None else OutputType.of_handler(self._function.handler)
            text = encode(output, "the function's output", written=kind.written if kind else None)
        else:
            text = encode(output, f"step {step.id!r}: its output", written=step.written)
        return self._encryption.encrypted(text)

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        if step.kind == "wait" and isinstance(output, dict):
            what = f"the event of step {step.id!r}"
            return {**output, "data": self._encryption.opened_event(output["name"], output["data"], what)}
        return self._encryption.decrypted(output, f"the output of step {step.id!r}")

    def before_send_events(self, events: Sequence[Event]) -> Sequence[Event]:
        return [self._encryption.sealed(event) for event in events]

    def _open(self, event: Event) -> Event:
        what = f"event {event.name!r} ({event.id})"
        return replace(event, data=self._encryption.opened_event(event.name, event.data, what))
