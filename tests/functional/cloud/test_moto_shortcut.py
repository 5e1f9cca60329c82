"""The short way to moto: what comes back is what comes back by the long way."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any

import boto3
import pytest
import requests
from botocore.client import BaseClient
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto.core.models import botocore_stubber

from tarry import App
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.moto_shortcut import SHORT
from tests.functional.cloud.scripts import ITEM, SCRIPTS, Script, key
from tests.functional.contract.plays import play
from tests.functional.contract.stories import STORIES

Json = dict[str, Any]


@contextmanager
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Json]]]:
    """Meanwhile each call of whoever it be: the operation, and its answer, or the error's."""
    heard: list[tuple[str, Json]] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def listen(client: BaseClient, operation: str, asked: Json) -> Json:
        try:
            answer: Json = call(client, operation, asked)
        except Exception as error:  # moto's own, too: it does not take everything for a mistake of who asks
            response = plain(getattr(error, "response", {}))
            heard.append((operation, {"raised": type(error).__name__, "says": str(error), **response}))
            raise
        heard.append((operation, plain(answer)))
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", listen)
        yield heard


def close_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = botocore_stubber.process_request
    monkeypatch.setattr(botocore_stubber, "process_request", lambda request: carry_out(request))


DRAWN = {"ReceiptHandle", "SequenceNumber", "RequestId", "HTTPHeaders", "MD5OfBody"}
"""What moto draws by lot, or reckons from that; and headers, of which some tell the time."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def plain(answer: Any) -> Any:
    """A copy without what is another each time."""
    match answer:
        case dict():
            return {name: "drawn" if name in DRAWN else plain(value) for name, value in answer.items()}
        case list():
            return [plain(value) for value in answer]
        case str():
            return UUID.sub("drawn", answer)
        case _:
            return answer


def speak(cloud: Cloud, script: Script) -> None:
    """Asks all of it. What has been asked and answered is spoiled then: neither side may have kept it."""
    client = boto3.client(script.service)  # type: ignore[call-overload]
    for operation, said in script.calls(cloud):
        asked = deepcopy(said)
        with suppress(Exception):
            answer = client._make_api_call(operation, asked)
            assert asked == said
            spoil(answer)
        spoil(asked)


def spoil(value: Any) -> None:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            spoil(inner)
        value.clear()


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_both_ways_give_the_same_answers_and_the_same_errors(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    with Cloud(App("shop")) as cloud, heard(monkeypatch) as by_the_short_way:
        speak(cloud, script)
    with Cloud(App("shop")) as cloud, heard(monkeypatch) as by_the_long_way:
        close_the_short_way(monkeypatch)
        speak(cloud, script)
    assert by_the_short_way == by_the_long_way
    assert any("Error" in answer for _, answer in by_the_short_way)


@pytest.mark.parametrize("name", ["race", "retry", "wait in vain"])
def test_runs_get_the_same_answers_both_ways(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with heard(monkeypatch) as by_the_short_way:
        play(STORIES[name])
    with heard(monkeypatch) as by_the_long_way:
        play(STORIES[name], opened=lambda cloud: close_the_short_way(monkeypatch))
    assert by_the_short_way == by_the_long_way


def test_no_operation_has_a_short_way_that_is_not_tried_here(cloud: Cloud) -> None:
    with pytest.MonkeyPatch.context() as patched, heard(patched) as asked:
        for script in SCRIPTS.values():
            speak(cloud, script)
    assert {operation for operation, _ in asked} == SHORT


def test_what_takes_the_short_way_is_not_sent(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Endpoint, "make_request")
    write(cloud)
    assert read(cloud) == ITEM
    with pytest.raises(AttributeError, match="make_request"):
        cloud.clients.s3.list_buckets()


def test_who_stands_at_the_door_sees_each_call(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests do that answer in AWS's stead, or lose an answer."""
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(
            botocore_stubber, "process_request", lambda request: (200, {}, '{"Item": {"pk": {"S": "other"}}}')
        )
        write(cloud)
        assert read(cloud) == {"pk": {"S": "other"}}
    assert read(cloud) is None


def test_an_endpoint_of_its_own_is_asked(cloud: Cloud) -> None:
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:1", config=Config(retries={"max_attempts": 0}))
    with pytest.raises(EndpointConnectionError):
        client.list_tables()
    with pytest.raises(EndpointConnectionError):
        client.put_item(TableName=cloud.settings.table, Item=ITEM)


def test_what_answers_before_a_call_answers_first(cloud: Cloud) -> None:
    client = boto3.client("dynamodb")
    with Stubber(client) as stubber:
        stubber.add_client_error("put_item", "ProvisionedThroughputExceededException")
        with pytest.raises(client.exceptions.ProvisionedThroughputExceededException):
            client.put_item(TableName=cloud.settings.table, Item=ITEM)
    assert read(cloud) is None


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("https://sqs.us-east-1.amazonaws.com/?Action=ListQueues", 200),
        ("https://tarry.s3.amazonaws.com/none", 404),
        ("https://no-service.us-east-1.amazonaws.com/", 404),
    ],
)
def test_what_is_asked_by_other_means_than_boto_does_not_reach_aws_either(address: str, status: int) -> None:
    assert requests.get(address, timeout=1).status_code == status


def test_another_region_has_another_table(cloud: Cloud) -> None:
    write(cloud)
    elsewhere = boto3.client("dynamodb", region_name="eu-central-1")
    with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
        elsewhere.get_item(TableName=cloud.settings.table, Key=key("a"))


def test_without_a_cloud_nothing_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with Cloud(App("shop")) as cloud:
        client = cloud.clients.dynamodb
    monkeypatch.setattr(Endpoint, "make_request", lambda *_: pytest.fail("sent"))
    with pytest.raises(pytest.fail.Exception, match="sent"):
        client.get_item(TableName="tarry", Key=key("a"))


def write(cloud: Cloud) -> None:
    cloud.clients.dynamodb.put_item(TableName=cloud.settings.table, Item=ITEM)


def read(cloud: Cloud) -> Json | None:
    return cloud.clients.dynamodb.get_item(TableName=cloud.settings.table, Key=key("a")).get("Item")
