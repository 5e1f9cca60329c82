"""The keys that encrypt payloads."""

from __future__ import annotations

from dataclasses import dataclass, field

from tarry.errors import UsageError

__all__ = ["KmsKey", "LocalKey"]

_LEAST_KEY = 32


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A key in AWS KMS. KMS makes the data keys, and rotates the key by itself if you have switched that on.

    Attributes:
        key: The ARN of the key.
    """

    key: str

    def __post_init__(self) -> None:
        if not self.key.startswith("arn:") or ":key/" not in self.key:
            raise UsageError(
                f"KmsKey({self.key!r}): give the ARN of a KMS key, such as arn:aws:kms:eu-central-1:…:key/…: an alias "
                "does not say which key decrypts"
            )


@dataclass(frozen=True, slots=True)
class LocalKey:
    """A key of 32 bytes that needs no AWS: for tests and ``tarry dev``.

    Attributes:
        secret: 32 bytes. ``LocalKey(b"x" * 32)`` will do in a test.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _LEAST_KEY:
            raise UsageError(f"LocalKey: the secret has {len(self.secret)} bytes; give {_LEAST_KEY}")
