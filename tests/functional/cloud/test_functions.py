"""What a function is told of its invocation, and of the account it runs in."""

import os

import boto3
import pytest

import tarry_backend.runtime
from tarry import App
from tarry.errors import UsageError
from tarry_backend.deploy.settings import Settings
from tarry_dev.cloud import Cloud, MovedClock
from tests.functional.cloud.conftest import MakeCloud
from tests.functional.cloud.recorder import Recorder, send_timer


def test_an_invocation_knows_who_it_is(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "a")
    cloud.pump()
    [context] = timers.contexts
    assert context.function_name == "tarry-shop-timers"
    assert context.invoked_function_arn == "arn:aws:lambda:us-east-1:123456789012:function:tarry-shop-timers"
    assert context.memory_limit_in_mb == 1024
    assert len(context.aws_request_id) == 36
    assert 20_000 < context.get_remaining_time_in_millis() <= 30_000


def test_the_remaining_time_runs_by_the_real_clock(cloud: Cloud, timers: Recorder) -> None:
    cloud.functions["timers"].timeout = 2.5
    send_timer(cloud, "a")
    cloud.pump()
    cloud.advance("1h")
    assert 0 < timers.contexts[0].get_remaining_time_in_millis() <= 2_500


def test_the_remaining_time_can_be_set(cloud: Cloud, timers: Recorder) -> None:
    cloud.functions["timers"].remaining = 1_234
    send_timer(cloud, "a")
    cloud.pump()
    assert timers.contexts[0].get_remaining_time_in_millis() == 1_234


def test_the_remaining_time_can_be_a_story(cloud: Cloud, timers: Recorder) -> None:
    story = iter([60_000, 100, -5])
    cloud.functions["timers"].remaining = lambda: next(story)
    send_timer(cloud, "a")
    cloud.pump()
    told = [timers.contexts[0].get_remaining_time_in_millis() for _ in range(3)]
    assert told == [60_000, 100, 0]


def test_the_environment_is_a_lambdas_and_afterwards_what_it_was(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("TARRY_TABLE", "somebody's")
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "false")
    before = dict(os.environ)
    with Cloud(app, settle_seconds=3) as cloud:
        assert "AWS_PROFILE" not in os.environ
        assert Settings.read(os.environ) == cloud.settings
        assert cloud.settings.settle_seconds == 3
        assert boto3.client("dynamodb").list_tables()["TableNames"] == ["tarry"]
    assert dict(os.environ) == before


def test_the_app_is_hosted_and_afterwards_forgotten(app: App) -> None:
    with Cloud(app):
        assert tarry_backend.runtime.runtime().app is app
    with pytest.raises(UsageError, match="TARRY_APP is not set"):
        tarry_backend.runtime.runtime()


def test_each_cloud_begins_empty(make_cloud: MakeCloud, app: App) -> None:
    for _ in range(2):
        with Cloud(app) as cloud:
            send_timer(cloud, "a")
            assert len(cloud.queues["timers"].messages) == 1


def test_there_is_one_cloud_at_a_time(cloud: Cloud) -> None:
    before = dict(os.environ)
    with pytest.raises(UsageError, match="one at a time"), Cloud(App("other")):
        pass
    assert dict(os.environ) == before
    send_timer(cloud, "still there")
    assert cloud.pump() == 1


def test_a_cloud_stands_in_a_region(app: App) -> None:
    with Cloud(app, region="eu-west-1", clock=MovedClock()) as cloud:
        assert boto3.client("sqs").meta.region_name == "eu-west-1"
        assert cloud.queues["runs"].arn == "arn:aws:sqs:eu-west-1:123456789012:tarry-runs.fifo"
        assert boto3.client("s3").list_buckets()["Buckets"][0]["Name"] == "tarry"
