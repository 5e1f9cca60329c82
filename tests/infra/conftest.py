"""One synthesis for all tests that read the template: the first of a process takes seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tarry_infra import Capacity, TarryStack
from tarry_infra.app import application
from tests.infra.template import Template

SHOP = "tests.infra.shop:app"
NO_BUNDLING: dict[str, Any] = {"aws:cdk:bundling-stacks": []}

Synthesise = Callable[..., Template]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps these tests on one worker, which then starts the CDK's Node process once."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("infra"))


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    """Synthesises the shop's stack with these properties, checked by the security rules, without its code."""

    def synthesise(**properties: Any) -> Template:
        outdir = tmp_path_factory.mktemp("cdk.out")
        app = application(str(outdir), NO_BUNDLING)
        TarryStack(app, "Tarry", app=SHOP, **properties)
        app.synth()
        return Template(json.loads((outdir / "Tarry.template.json").read_text())["Resources"])

    return synthesise


@pytest.fixture(scope="session")
def template(synthesise: Synthesise) -> Template:
    """The stack as it is by default."""
    return synthesise()


@pytest.fixture(scope="session")
def changed(synthesise: Synthesise) -> Template:
    """The stack with its properties changed."""
    return synthesise(
        tuning={"log_days": 3, "max_steps": 10_000},
        matcher=Capacity(memory=256, timeout=20, concurrency=2),
        executor=Capacity(memory=3008, timeout=600, concurrency=7, reserved=7),
        timers=Capacity(memory=256, timeout=21, concurrency=3),
        sweep=Capacity(memory=256, timeout=22),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        log_retention=logs.RetentionDays.ONE_WEEK,
        architecture=lambda_.Architecture.X86_64,
    )
