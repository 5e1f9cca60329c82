"""The shortest way to moto: a call that nobody else looks at is neither built nor read."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, crash
from tarry_dev.cloud.crash import Call, Crash, Invocation
from tarry_dev.cloud.function import LambdaSurroundings
from tarry_dev.cloud.moto_direct import DIRECT
from tests.functional.cloud.scripts import ITEM, SCRIPTS, key

Json = dict[str, Any]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations of the requests that botocore builds."""
    names: list[str] = []
    build = BaseClient._convert_to_request_dict  # type: ignore[attr-defined]

    def note(client: BaseClient, api_params: Json, operation_model: Any, **others: Any) -> Any:
        names.append(operation_model.name)
        return build(client, api_params=api_params, operation_model=operation_model, **others)

    monkeypatch.setattr(BaseClient, "_convert_to_request_dict", note)
    return names


def test_no_request_is_built_for_the_calls_of_a_run(cloud: Cloud, built: list[str]) -> None:
    for script in SCRIPTS.values():
        client = boto3.client(script.service)  # type: ignore[call-overload]
        for operation, params in script.calls(cloud):
            if operation in DIRECT and params:
                with suppress(Exception):  # also moto's own: it does not take everything for a mistake of who asks
                    client._make_api_call(operation, params)
    assert built == []


class Place(StrEnum):
    RUN = "run#1"


@pytest.mark.parametrize(
    "value",
    [{"S": Place.RUN}, {"B": bytearray(b"\x00")}, {"B": "text"}, {"L": ({"S": "a"},)}],
    ids=["enum", "bytearray", "text for bytes", "tuple"],
)
def test_a_parameter_of_an_unusual_type_is_stored_as_boto_would_send_it(cloud: Cloud, value: Json) -> None:
    client = cloud.clients.dynamodb
    client.put_item(TableName=cloud.settings.table, Item={**key("a"), "value": value})
    stored = client.get_item(TableName=cloud.settings.table, Key=key("a"))["Item"]["value"]
    client.meta.events.register("before-call.dynamodb", _hear)
    try:
        client.put_item(TableName=cloud.settings.table, Item={**key("a"), "value": value})
    finally:
        client.meta.events.unregister("before-call.dynamodb", _hear)
    assert client.get_item(TableName=cloud.settings.table, Key=key("a"))["Item"]["value"] == stored


def _hear(**_: object) -> None:
    """Somebody's hook: with it a call takes the longer way."""


def test_the_time_of_an_event_is_cut_to_the_second_as_boto_sends_it(cloud: Cloud) -> None:
    moment = datetime(2026, 1, 5, 12, 0, 7, 900_000, tzinfo=UTC)
    cloud.put_events([{"Source": "shop", "DetailType": "order/paid", "Detail": "{}", "Time": moment}])
    assert cloud.queues["events"].messages[0].json["time"] == "2026-01-05T12:00:07Z"


def test_what_boto_would_refuse_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ParamValidationError, match="TableNames"):
        cloud.clients.dynamodb.get_item(TableNames="tarry", Key=key("a"))  # type: ignore[call-arg]


@pytest.mark.parametrize("event", ["provide-client-params", "before-parameter-build", "before-call", "after-call"])
def test_a_hook_hears_each_call_from_its_registration_to_its_end(cloud: Cloud, event: str) -> None:
    client, heard = boto3.client("dynamodb"), list[str]()
    read: Callable[[], object] = lambda: client.get_item(TableName=cloud.settings.table, Key=key("a"))  # noqa: E731
    read()

    def hook(event_name: str, **_: object) -> None:
        heard.append(event_name)

    client.meta.events.register(f"{event}.dynamodb", hook)
    read()
    client.meta.events.unregister(f"{event}.dynamodb", hook)
    read()
    assert heard == [f"{event}.dynamodb.GetItem"]


@pytest.mark.usefixtures("cloud")
def test_no_request_is_built_for_the_store_either(built: list[str]) -> None:
    """PynamoDB's client checks no parameters, and has a hook of its own for requests that are sent."""
    assert runtime().store.runs.load("01ARZ3NDEKTSV4RRFFQ69G5FAV") is None
    assert built == []


def test_a_client_that_checks_no_parameters_has_its_mistakes_refused_by_moto(cloud: Cloud) -> None:
    client = boto3.client("dynamodb", config=Config(parameter_validation=False))
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName="nowhere", Key=key("a"))
    assert "Item" not in client.get_item(TableName=cloud.settings.table, Key=key("a"), Unknown=1)  # type: ignore[call-arg]


def test_neither_side_keeps_what_the_other_gave(cloud: Cloud) -> None:
    client, given = cloud.clients.dynamodb, {**ITEM, "list": {"L": [{"S": "a"}]}}
    client.put_item(TableName=cloud.settings.table, Item=given)
    given["list"]["L"].clear()
    read = client.get_item(TableName=cloud.settings.table, Key=key("a"))["Item"]
    read["list"]["L"].clear()  # type: ignore[attr-defined]
    assert client.get_item(TableName=cloud.settings.table, Key=key("a"))["Item"]["list"] == {"L": [{"S": "a"}]}


class _Ending(list[Invocation]):
    """Lambdas of other threads: they end once somebody has looked whether there are any."""

    def __bool__(self) -> bool:
        found = len(self) > 0
        self.clear()
        return found


def test_a_sender_is_not_disturbed_by_a_lambda_that_ends_meanwhile(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = LambdaSurroundings("executor", cloud.clock, cloud._odds, 1)
    monkeypatch.setattr(crash, "_under_way", _Ending([Invocation("executor", None, around)]))
    cloud.clients.dynamodb.get_item(TableName=cloud.settings.table, Key=key("a"))


def test_a_lambda_dies_on_either_side_of_a_direct_call(cloud: Cloud) -> None:
    around = LambdaSurroundings("executor", cloud.clock, cloud._odds, 1)
    for answered in (False, True):

        def dies(call: Call, answered: bool = answered) -> bool:
            return call.answered is answered

        place = key(f"answered {answered}")
        with Invocation("executor", dies, around), pytest.raises(Crash):
            cloud.clients.dynamodb.put_item(TableName=cloud.settings.table, Item=place)
        assert ("Item" in cloud.clients.dynamodb.get_item(TableName=cloud.settings.table, Key=place)) is answered
