"""Regions whose Lambda does not have everything: what AWS would refuse there is left out, or warned of."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match

from tarry_infra import TarryStack
from tarry_infra.regions import FUNCTION_URLS, JSON_LOGS, LOOP_DETECTION, SNAP_START, Feature
from tests.infra.conftest import NO_BUNDLING, SHOP, Synthesise
from tests.infra.template import Template

GOVCLOUD = cdk.Environment(account="123456789012", region="us-gov-west-1")


@pytest.fixture(scope="module")
def govcloud(synthesise: Synthesise) -> Template:
    return synthesise(env=GOVCLOUD)


def test_where_lambda_detects_no_loops_none_is_allowed_since_aws_would_refuse_the_property(govcloud: Template) -> None:
    assert ["RecursiveLoop" in function for function in govcloud.of("Lambda::Function").values()] == [False] * 6


def test_where_lambda_writes_no_json_logs_it_writes_text_and_filters_nothing(govcloud: Template) -> None:
    for function in govcloud.of("Lambda::Function").values():
        assert sorted(function["LoggingConfig"]) == ["LogFormat", "LogGroup"]
        assert function["LoggingConfig"]["LogFormat"] == "Text"
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "INFO"


def test_a_stack_without_a_region_is_for_that_of_the_cdks_command_line(
    synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "cn-north-1")
    china = synthesise(audit=False)
    assert not any("RecursiveLoop" in function for function in china.of("Lambda::Function").values())
    assert {function["LoggingConfig"]["LogFormat"] for function in china.of("Lambda::Function").values()} == {"JSON"}


@pytest.mark.parametrize(
    ("feature", "region", "has_it"),
    [
        (LOOP_DETECTION, "eu-central-1", True),
        (LOOP_DETECTION, "cn-northwest-1", False),
        (LOOP_DETECTION, "us-gov-east-1", False),
        (LOOP_DETECTION, "mx-central-1", False),
        (JSON_LOGS, "cn-north-1", True),
        (JSON_LOGS, "us-gov-west-1", False),
        (FUNCTION_URLS, "eu-south-1", True),
        (FUNCTION_URLS, "eu-south-2", False),
        (SNAP_START, "us-east-1", True),
        (SNAP_START, "ap-east-2", False),
        (SNAP_START, None, True),
    ],
)
def test_a_region_that_is_not_known_is_taken_for_one_with_everything(
    feature: Feature, region: str | None, has_it: bool
) -> None:
    assert feature.is_in(region) is has_it


def warnings(**properties: Any) -> list[str]:
    app = cdk.App(context=NO_BUNDLING)
    stack = TarryStack(app, "Tarry", app=SHOP, audit=False, runtime=lambda_.Runtime.PYTHON_3_14, **properties)
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("did not have"))
    return sorted({str(each.entry.data).partition(", which")[0] for each in found})


def test_a_url_or_a_snapshot_that_the_region_does_not_have_is_warned_of() -> None:
    assert warnings(env=GOVCLOUD, api=True, snap_start=True) == [
        "api=True needs Lambda's function URLs",
        "snap_start=True needs SnapStart for Python",
    ]
    assert warnings(api=True, snap_start=True) == []
