"""An empty region in the environment, as a script leaves it whose own variable is not set."""

import pytest
from botocore.exceptions import NoRegionError

from tarry_dev.cli.refusals import in_words
from tarry_dev.stack_access import person_session


def test_an_empty_aws_region_leaves_the_region_to_the_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert person_session().region_name == "eu-west-1"


def test_an_empty_region_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with pytest.raises(NoRegionError) as caught:
        person_session()
    assert "no AWS region is set: set AWS_REGION" in str(in_words(caught.value))
