"""The errors of AWS and its SDK, in words that say what to do."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from pynamodb.exceptions import PynamoDBException

from tarry import SendError

__all__ = ["in_words"]

_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

_REFUSED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}

_SIGN_IN = "sign in (aws sso login, aws configure), or name another profile: AWS_PROFILE=..."


def in_words(error: Exception) -> str | None:
    """Return one line for an error of AWS or its SDK; ``None`` for any other error."""
    if isinstance(error, PynamoDBException):
        cause = error.cause
        return in_words(cause) if isinstance(cause, ClientError | BotoCoreError) else None
    if isinstance(error, SendError) and not error.accepted and isinstance(error.__cause__, Exception):
        return in_words(error.__cause__)
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, _NO_CREDENTIALS):
        return f"there are no usable AWS credentials: {_line(error)}; {_SIGN_IN}"
    if isinstance(error, NoRegionError):
        return "no AWS region is set: set AWS_REGION, or your profile's region (aws configure set region ...)"
    if isinstance(error, ProfileNotFound):
        return f"{_line(error)}: AWS_PROFILE names it; aws configure list-profiles lists the existing ones"
    if isinstance(error, EndpointConnectionError):
        return f"{_line(error)}: check AWS_REGION, and AWS_ENDPOINT_URL if it is set"
    return None


def _answered(error: ClientError) -> str | None:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in _DENIED:
        return f"AWS denied {error.operation_name} ({message}); get that permission, or {_SIGN_IN}"
    if code in _REFUSED:
        return f"AWS refuses these credentials: {code} ({message}); {_SIGN_IN}"
    return None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
