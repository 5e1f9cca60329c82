"""What AWS refuses is said in one line, with what to do."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError
from pynamodb.exceptions import QueryError

from tarry_dev.cli.refusals import in_words

ALLOWED_BY_NOBODY = "User: arn:aws:iam::1:user/ada is not authorized to perform: dynamodb:Query on resource: table/t"


def answer(code: str, message: str, operation: str = "Query") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_what_is_not_allowed_names_the_action(code: str) -> None:
    words = in_words(answer(code, ALLOWED_BY_NOBODY)) or ""
    assert "AWS denied Query" in words
    assert "dynamodb:Query" in words
    assert "get that permission" in words


def test_what_the_table_refuses_is_found_below_pynamodbs_own_error() -> None:
    words = in_words(QueryError("Failed to query items", answer("AccessDeniedException", ALLOWED_BY_NOBODY)))
    assert words is not None
    assert "dynamodb:Query" in words


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"])
def test_credentials_that_are_refused_are_to_be_renewed(code: str) -> None:
    words = in_words(answer(code, "The security token is expired")) or ""
    assert words.startswith(f"AWS refuses these credentials: {code} (The security token is expired); sign in")


@pytest.mark.parametrize(
    ("error", "says"),
    [(NoCredentialsError(), "sign in (aws sso login, aws configure)"), (NoRegionError(), "set AWS_REGION")],
)
def test_what_is_missing_is_named(error: Exception, says: str) -> None:
    words = in_words(error) or ""
    assert says in words
    assert "\n" not in words


@pytest.mark.parametrize(
    "error", [ValueError("other"), answer("ValidationException", "the query is wrong"), answer("Other", "unknown")]
)
def test_other_errors_speak_for_themselves(error: Exception) -> None:
    assert in_words(error) is None
