"""SnapStart: published versions, and the alias that everything invokes. And the Python that a stack takes by itself."""

import json
from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_

from tarry.errors import UsageError
from tarry_infra import python
from tests.infra.conftest import Synthesise
from tests.infra.template import Template

LIVE = ["matcher", "executor", "timers", "sweep", "signals", "api"]


@pytest.fixture(scope="module")
def snapped(synthesise: Synthesise) -> Template:
    return synthesise(snap_start=True, api=True, runtime=lambda_.Runtime.PYTHON_3_13)


def alias_of(template: Template, handler: str) -> str:
    """The alias of a Lambda, whose version is of that Lambda."""
    function, properties = template.function(handler)
    assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    [(alias, found)] = [
        (name, each) for name, each in template.of("Lambda::Alias").items() if each["FunctionName"] == {"Ref": function}
    ]
    version = found["FunctionVersion"]["Fn::GetAtt"][0]
    assert template.of("Lambda::Version")[version]["FunctionName"] == {"Ref": function}
    return alias


@pytest.mark.parametrize("handler", LIVE)
def test_with_snap_start_each_lambda_has_an_alias_of_a_published_version(snapped: Template, handler: str) -> None:
    assert alias_of(snapped, handler)


@pytest.mark.parametrize("handler", ["matcher", "executor", "timers"])
def test_with_snap_start_a_queue_feeds_the_alias_since_only_versions_have_a_snapshot(
    snapped: Template, handler: str
) -> None:
    mappings = snapped.of("Lambda::EventSourceMapping").values()
    [target] = [text for each in mappings if alias_of(snapped, handler) in (text := json.dumps(each["FunctionName"]))]
    assert '":live"' in target
    assert f'"{snapped.function(handler)[0]}"' not in target


def test_with_snap_start_the_schedule_the_url_and_the_senders_invoke_the_alias(snapped: Template) -> None:
    rules: list[Any] = [target for rule in snapped.of("Events::Rule").values() for target in rule["Targets"]]
    assert {"Ref": alias_of(snapped, "sweep")} in [target["Arn"] for target in rules]
    [invoke] = snapped.of("Lambda::EventInvokeConfig").values()
    assert alias_of(snapped, "sweep") in json.dumps(invoke["Qualifier"])
    [url] = snapped.of("Lambda::Url").values()
    assert alias_of(snapped, "api") in json.dumps(url) or url["Qualifier"] == "live"


def test_without_snap_start_there_is_neither_version_nor_alias(template: Template) -> None:
    assert template.of("Lambda::Alias") == {}
    assert template.of("Lambda::Version") == {}
    assert "SnapStart" not in template.function("executor")[1]


def test_snap_start_needs_a_python_that_has_it() -> None:
    with pytest.raises(UsageError, match="snap_start=True needs Python"):
        python.check_snap_start(lambda_.Runtime.PYTHON_3_11)
    python.check_snap_start(lambda_.Runtime.PYTHON_3_12)


@pytest.mark.parametrize(
    ("own", "taken", "why"),
    [((3, 11), "python3.12", "the oldest version"), ((3, 99), "python3.14", "the newest version")],
)
def test_a_python_that_lambda_or_tarry_does_not_have_is_named_with_the_one_that_is_taken(
    own: tuple[int, int], taken: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    python._say.cache_clear()
    assert python.default_runtime(own).name == taken
    said = capsys.readouterr().err
    assert f"synthesis runs on Python 3.{own[1]}, and the Lambdas get Python {taken[6:]}, {why}" in said


@pytest.mark.parametrize("minor", [12, 13, 14])
def test_the_lambdas_run_the_python_that_synthesises(minor: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert python.default_runtime((3, minor)).name == f"python3.{minor}"
    assert capsys.readouterr().err == ""
