"""Tarry's own clients go from one embedded cloud to the next; nothing else does."""

from typing import Any

import boto3
import pytest

from tarry import App
from tarry._wire.bus import EventBus
from tarry_backend.runtime import runtime
from tarry_backend.store.lean_client import PLAIN
from tarry_dev.cloud import Cloud


def _own(cloud: Cloud) -> tuple[Any, ...]:
    return (cloud.app.bus._client, runtime().store.table._connection.client, runtime().queues._client)


def test_the_next_cloud_has_tarrys_clients_of_the_last_and_none_of_its_content(app: App) -> None:
    with Cloud(app) as first:
        before = _own(first)
        first.clients.dynamodb.put_item(TableName="tarry", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    with Cloud(app) as second:
        assert all(one is two for one, two in zip(before, _own(second), strict=True))
        assert second.clients.dynamodb.scan(TableName="tarry")["Items"] == []


def test_a_client_of_another_region_or_of_the_users_code_is_another(app: App) -> None:
    with Cloud(app) as first:
        here, own = _own(first), boto3.client("sqs")
        assert own not in here
    with Cloud(app, region="eu-west-1") as second:
        assert not set(map(id, here)) & set(map(id, _own(second)))
        assert boto3.client("sqs") is not own


def test_a_client_on_the_plain_road_is_made_anew(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cloud(app) as first:
        lean = _own(first)
    with Cloud(app) as second:
        monkeypatch.setenv(PLAIN, "1")
        assert not set(map(id, lean)) & set(map(id, _own(second)))


def test_without_a_cloud_a_client_is_nobody_elses(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cloud(app) as cloud:
        shared = cloud.app.bus._client
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert EventBus("shop")._client is not shared
