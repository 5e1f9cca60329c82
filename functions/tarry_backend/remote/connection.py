"""The connection to a remote app: where it is, and how it is called."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tarry_backend.remote.answers import AppError
from tarry_backend.remote.signatures import canonical, is_signed_answer, signature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tarry_backend.remote.answers import Answer

__all__ = ["SIGNATURE", "Call", "Connection", "Transport"]

SIGNATURE = "x-inngest-signature"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an app. ``query`` is behind the app's own address; ``patience`` is in seconds."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    patience: float


class Transport(Protocol):
    """The way to an app: HTTP, or an invocation of a Lambda."""

    @property
    def most_bytes(self) -> int:
        """The longest body that arrives."""

    def send(self, call: Call) -> Answer:
        """Send a request and return the answer; raise ``AppError`` if there is none."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A remote app, as the stack calls it.

    Attributes:
        url: The address under which its SDK answers.
        transport: The way to it.
        key: The signing key of the stack; ``None`` in development, where nothing is signed.
        signs: Whether the app's SDK signs all of its answers. Go's signs that to a sync alone: else TLS has to do.
    """

    url: str
    transport: Transport
    key: str | None = None
    signs: bool = True

    def ask(self, method: str, query: Mapping[str, str], document: Any, patience: float, **headers: str) -> Answer:
        """Ask the app, signed if the stack has a key. Its answer has to be signed by the same key.

        Raises:
            AppError: It does not answer, or the answer is not signed by the app.
        """
        body = canonical(document)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            "content-type": "application/json",
            "x-inngest-server-kind": "cloud" if self.key else "dev",
            **named,
        }
        if self.key:
            sent[SIGNATURE] = signature(self.key, body, int(time.time()))
        answer = self.transport.send(Call(method, query, sent, body, patience))
        if self.key and answer.status not in (401, 403):
            self._check(answer)
        return answer

    def _check(self, answer: Answer) -> None:
        """A program that took the app's address knows no key: without this, its 200 would end a run."""
        given = answer.headers.get(SIGNATURE, "")
        if "x-inngest-sdk" not in answer.headers or (not given and not self.signs):
            return  # ``read_answer`` says what the first is
        if not is_signed_answer(self.key or "", given, answer.body, int(time.time())):
            why = "is not signed" if not given else "has a signature of another key, or of another time"
            raise AppError(f"the answer from {self.url} {why}: give the app this stack's INNGEST_SIGNING_KEY")
