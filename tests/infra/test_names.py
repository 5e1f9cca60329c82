"""Two stacks of one app in one account and region: no name of the one is a name of the other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tarry_infra import TarryStack
from tarry_infra.app import application
from tarry_infra.names import bus_name, cut, database_name, default_stack_name, workgroup_name
from tests.infra.conftest import NO_BUNDLING
from tests.infra.template import Template, text

CLOCK = "tests.infra.clock_shop:app"

STACKS = {"Test": "clock-test", "Production": "clock-production"}

OTHERS_NAMES = {
    ("AWS::CloudWatch::Alarm", "MetricName"),  # each with the queue, the Lambda or the stack as its dimension
    ("AWS::IAM::Policy", "PolicyName"),  # inside a role
    ("AWS::Logs::LogStream", "LogStreamName"),  # inside a log group
}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The whole of an app, twice in one CDK app, as different stages of it."""
    outdir: Path = tmp_path_factory.mktemp("cdk.out")
    app = application(str(outdir), NO_BUNDLING)
    for construct, name in STACKS.items():
        TarryStack(app, construct, app=CLOCK, stack_name=name, api=True)
    app.synth()
    return {
        name: Template(json.loads((outdir / f"{construct}.template.json").read_text())["Resources"])
        for construct, name in STACKS.items()
    }


def names(template: Template) -> set[tuple[str, str, str]]:
    """Each name that the stack gives, with its type and its property. A reference is to what the stack has itself."""
    found = set()
    for resource in template.resources.values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        for key, value in (properties | properties.get("DatabaseInput", {})).items():
            if re.search("Name$", key) and not refers(value) and (kind, key) not in OTHERS_NAMES:
                found.add((kind, key, text(value)))
    return found


def refers(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys() & {"Fn::Join"}


def test_two_stacks_of_one_app_have_no_name_in_common(stacks: dict[str, Template]) -> None:
    test, production = (names(stacks[name]) for name in STACKS.values())
    assert {kind for kind, _, _ in test} >= {
        "AWS::Athena::WorkGroup",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Events::EventBus",
        "AWS::Glue::Database",
        "AWS::SQS::Queue",
        "AWS::Scheduler::ScheduleGroup",
    }
    assert len(test) == len(production)
    assert test & production == set()


def test_alarms_and_dashboard_of_a_stack_look_at_its_own_metrics(stacks: dict[str, Template]) -> None:
    for name, template in stacks.items():
        own = [each for each in template.of("CloudWatch::Alarm").values() if each["Namespace"] == "Tarry"]
        assert own
        assert {text(each["Dimensions"][0]["Value"]) for each in own} == {name}
        for function in template.of("Lambda::Function").values():
            assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == name


def test_what_a_removed_stack_leaves_behind_has_no_name_that_the_next_one_wants(stacks: dict[str, Template]) -> None:
    template = stacks["clock-test"]
    retained = {name: each for name, each in template.resources.items() if each.get("DeletionPolicy") == "Retain"}
    assert {each["Type"] for each in retained.values()} == {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    assert [key for each in retained.values() for key in each["Properties"] if key in ("TableName", "BucketName")] == []


def test_nothing_that_a_stack_leaves_to_aws_keeps_it_from_being_removed(stacks: dict[str, Template]) -> None:
    """Athena refuses to delete a workgroup in which a query has run, unless told to. A Lambda whose role may make log
    groups would make its own again, after CloudFormation has deleted it."""
    template = stacks["clock-test"]
    assert template.one("Athena::WorkGroup")["RecursiveDeleteOption"] is True
    assert "logs:CreateLogGroup" not in json.dumps(template.of("IAM::Policy"))
    assert "ManagedPolicyArns" not in json.dumps(template.of("IAM::Role"))


def test_the_apps_own_stack_has_the_bus_that_senders_look_for_by_default() -> None:
    assert bus_name(default_stack_name("my_shop.v2"), "my_shop.v2") == "tarry-my_shop.v2"
    assert bus_name("shop-test", "shop") == "shop-test"


@pytest.mark.parametrize("taken", ["default", "primary"])
def test_a_bus_or_workgroup_that_every_account_has_is_not_taken(taken: str) -> None:
    assert bus_name(taken, "shop") == workgroup_name(taken) == f"tarry-{taken}"


def test_databases_of_stacks_that_differ_in_capitals_differ() -> None:
    assert database_name("shop-test") == "shop_test"
    given = ["Shop-Test", "shop-test", "Shop-test"]
    assert len({database_name(each) for each in given}) == len(given)
    assert all(re.fullmatch("[a-z0-9_]+", database_name(each)) for each in given)


def test_a_name_that_is_too_long_is_cut_with_a_hash() -> None:
    long, longer = "a" * 200, "a" * 201
    assert cut("a" * 128, 128) == "a" * 128
    assert len(cut(long, 128)) == len(cut(longer, 128)) == 128
    assert cut(long, 128) != cut(longer, 128)
    assert len(default_stack_name("a" * 200)) == 128
