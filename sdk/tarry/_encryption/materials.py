"""Data keys and messages of the AWS Encryption SDK."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aws_encryption_sdk
from aws_encryption_sdk.exceptions import DecryptKeyError
from aws_encryption_sdk.identifiers import Algorithm, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from botocore.exceptions import BotoCoreError, ClientError

from tarry._encryption.keys import KmsKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry._encryption.keys import LocalKey

__all__ = ["Materials", "discovered"]

_CONTEXT = {"purpose": "tarry-payload"}
"""What KMS logs with each use of the key, and authenticates. The same for all, else no data key could be kept."""

_KEPT = 1_000
"""How many data keys a process keeps. A replay needs those of all its run's steps."""

_ALGORITHM = Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
"""With key commitment, and without a signature: who may decrypt may encrypt as well."""

_OUTAGES = {"ThrottlingException", "DependencyTimeoutException", "KMSInternalException", "KMSInvalidStateException"}


class Materials:
    """Encrypts under one key, decrypts under several, and keeps data keys. Thread-safe, as the SDK's cache is."""

    def __init__(
        self, key: KmsKey | LocalKey, former: Sequence[KmsKey | LocalKey], max_age: float, max_messages: int
    ) -> None:
        self._client = aws_encryption_sdk.EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=1
        )
        self._encrypting = aws_encryption_sdk.CachingCryptoMaterialsManager(
            master_key_provider=_provider(key),
            cache=aws_encryption_sdk.LocalCryptoMaterialsCache(capacity=1),
            max_age=max_age,
            max_messages_encrypted=max_messages,
        )
        self._decrypting = [_keeping(_provider(each)) for each in (key, *former)]

    def encrypt(self, plain: bytes) -> bytes:
        """Return a message of the SDK. It costs a request to KMS if the data key is used up."""
        message, _ = self._client.encrypt(
            source=plain, materials_manager=self._encrypting, encryption_context=_CONTEXT, algorithm=_ALGORITHM
        )
        return bytes(message)

    def decrypt(self, message: bytes) -> bytes:
        """Return what ``encrypt`` got. It costs a request to KMS for each data key that this process has not seen."""
        for materials in self._decrypting[:-1]:
            with suppress(DecryptKeyError):
                return self._decrypted(message, materials)
        return self._decrypted(message, self._decrypting[-1])

    def _decrypted(self, message: bytes, materials: Any) -> bytes:
        """A key that did not encrypt the message costs no request: the message names its key."""
        try:
            return _read(self._client, source=message, materials_manager=materials)
        except DecryptKeyError as error:
            if self.is_outage(error):
                raise RuntimeError(f"KMS did not answer: {error}") from error
            raise

    def is_outage(self, error: BaseException | None) -> bool:
        """Return whether another attempt may help: KMS was not reached, or was busy. The SDK hides it in a cause."""
        while error is not None:
            if isinstance(error, ClientError):
                return error.response.get("Error", {}).get("Code") in _OUTAGES
            if isinstance(error, BotoCoreError):
                return True
            error = error.__cause__ or error.__context__
        return False


def discovered(message: bytes) -> bytes:
    """Decrypt a message under whichever KMS key it names, with the caller's own permissions: for people."""
    provider = aws_encryption_sdk.DiscoveryAwsKmsMasterKeyProvider()
    client = aws_encryption_sdk.EncryptionSDKClient(max_encrypted_data_keys=1)
    return _read(client, source=message, key_provider=provider)


def _read(client: Any, **options: Any) -> bytes:
    """Decrypt as the SDK's ``decrypt`` does, but leave no open stream behind.

    The SDK's stream refuses to be closed after an error. Python 3.13 and newer closes it again as it collects it, and
    writes the refusal to the log: once for each value that another key has encrypted.
    """
    stream = client.stream(mode="decrypt", **options)
    try:
        plain = bytes(stream.read())
        stream.close()
    except BaseException:
        io.IOBase.close(stream)
        raise
    return plain


def _keeping(provider: Any) -> Any:
    return aws_encryption_sdk.CachingCryptoMaterialsManager(
        master_key_provider=provider,
        cache=aws_encryption_sdk.LocalCryptoMaterialsCache(capacity=_KEPT),
        max_age=3_600.0,
    )


def _provider(key: KmsKey | LocalKey) -> Any:
    if isinstance(key, KmsKey):
        return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key.key])
    name = f"tarry-local-{hashlib.sha256(key.secret).hexdigest()[:16]}"
    provider = type("LocalKeys", (_LocalKeys,), {"provider_id": name, "secret": key.secret})()
    provider.add_master_key(name)
    return provider


class _LocalKeys(RawMasterKeyProvider):  # type: ignore[misc]
    """A key that needs no AWS."""

    provider_id = "tarry-local"
    secret: bytes

    def _get_raw_key(self, key_id: object) -> Any:
        return WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
            wrapping_key=self.secret,
            wrapping_key_type=EncryptionKeyType.SYMMETRIC,
        )
