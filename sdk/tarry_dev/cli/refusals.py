"""The errors of AWS and its SDK, in words that say what to do."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
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

_THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}

_SKEWED = {"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}
"""Also a signature that is refused by its time: its message names both times."""

_REGION_OFF = {"AuthFailure", "OptInRequired", "SubscriptionRequiredException"}

_GONE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "TableNotFoundException",
}

_BROKEN = {"InternalError", "InternalFailure", "InternalServerError", "InternalServiceError", "ServiceUnavailable"}

_SIGN_IN = "sign in (aws sso login, aws configure), or name another profile: AWS_PROFILE=..."


def in_words(error: Exception) -> str | None:
    """Return one line for an error of AWS or its SDK; ``None`` for any other error."""
    if isinstance(error, PynamoDBException):
        cause = error.cause
        return in_words(cause) if isinstance(cause, ClientError | BotoCoreError) else None
    if isinstance(error, SendError) and not error.accepted and isinstance(error.__cause__, Exception):
        words = in_words(error.__cause__)
        if words is None or not error.unknown:
            return words
        return f"{words}; the bus may have these events: {', '.join(named for named, _ in error.unknown)}"
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
    return _unanswered(error) if isinstance(error, ConnectionError | HTTPClientError) else None


def _unanswered(error: BotoCoreError) -> str:
    if isinstance(error, SSLError):
        return f"{_line(error)}: this machine does not trust that certificate; AWS_CA_BUNDLE names a file of others"
    if isinstance(error, ProxyConnectionError):
        return f"{_line(error)}: check HTTPS_PROXY and NO_PROXY"
    return f"AWS did not answer ({_line(error)}): check the network, a VPN or proxy, and AWS_REGION; then try again"


def _answered(error: ClientError) -> str | None:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in _DENIED:
        return f"AWS denied {error.operation_name} ({message}); get that permission, or {_SIGN_IN}"
    if code in _SKEWED or "Signature expired" in message or "Signature not yet current" in message:
        return f"AWS refuses the time of this machine: {code} ({message}); set its clock, then try again"
    if code in _REFUSED:
        return f"AWS refuses these credentials: {code} ({message}); {_SIGN_IN}"
    if code in _THROTTLED:
        return f"AWS throttled {error.operation_name} ({code}: {message}), also after retries; try again in a moment"
    if code in _REGION_OFF:
        return f"this account may not use this region: {code} ({message}); check AWS_REGION and AWS_PROFILE"
    if code in _GONE:
        return (
            f"{error.operation_name} found no such resource ({code}: {message}): a part of the stack is gone, or it is "
            "in another account or region; deploy it again (cdk deploy), or check AWS_PROFILE and AWS_REGION"
        )
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 or code in _BROKEN:
        return f"AWS failed at {error.operation_name} ({code}: {message}), also after retries; try again in a moment"
    return None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
