"""One synthesis for all tests that read the template: the first of a process takes seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.aws_cloudwatch_actions import SnsAction

from tarry_infra import Capacity, TarryStack
from tarry_infra.app import application
from tests.infra.template import Template

SHOP = "tests.infra.shop:app"
NO_BUNDLING: dict[str, Any] = {"aws:cdk:bundling-stacks": []}

Synthesise = Callable[..., Template]
Share = Callable[[cdk.Stack], dict[str, Any]]


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    """Synthesises the shop's stack with these properties, checked by the security rules, without its code.

    ``share`` makes further ones in a stack of their own, as a user has a key or a bus.
    """

    def synthesise(share: Share | None = None, spec: str = SHOP, **properties: Any) -> Template:
        outdir = tmp_path_factory.mktemp("cdk.out")
        app = application(str(outdir), NO_BUNDLING)
        further = share(cdk.Stack(app, "Shared")) if share else {}
        TarryStack(app, "Tarry", app=spec, **properties, **further)
        app.synth()
        found = {path.name: json.loads(path.read_text()) for path in outdir.glob("*.template.json")}
        theirs = found.get("Shared.template.json", {})
        return Template(found["Tarry.template.json"]["Resources"], theirs.get("Resources", {}))

    return synthesise


@pytest.fixture(scope="session")
def template(synthesise: Synthesise) -> Template:
    """The stack as it is by default, with the audit trail, which has further tests of its own."""
    return synthesise()


@pytest.fixture(scope="session")
def changed(synthesise: Synthesise) -> Template:
    """The stack with its properties changed."""
    return synthesise(
        audit=False,
        api=True,
        tuning={"log_days": 3, "max_steps": 10_000},
        matcher=Capacity(memory=256, timeout=20, concurrency=2, batch=1, receives=5),
        executor=Capacity(memory=3008, timeout=600, concurrency=7, visibility=700, receives=20, reserved=7),
        timers=Capacity(memory=256, timeout=21, concurrency=3),
        sweep=Capacity(memory=256, timeout=22),
        warm_writes=20_000,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        log_level="WARNING",
        log_retention=logs.RetentionDays.ONE_WEEK,
        architecture=lambda_.Architecture.X86_64,
    )


@pytest.fixture(scope="session")
def given(synthesise: Synthesise) -> Template:
    """The stack with a bus, a key and a topic that another stack of the same app has made."""

    def share(stack: cdk.Stack) -> dict[str, Any]:
        topic = sns.Topic(stack, "Topic", enforce_ssl=True)
        return {
            "bus": events.EventBus(stack, "Bus", event_bus_name="orders"),
            "encryption_key": kms.Key(stack, "Key", enable_key_rotation=True),
            "alarm_actions": [SnsAction(topic)],
        }

    return synthesise(share)
