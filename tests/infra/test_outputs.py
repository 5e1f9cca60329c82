"""The stack's outputs say all that the command line needs, and the same that the Lambdas are told."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tarry_backend.deploy.outputs import SIGNALS_FUNCTION, Deployment
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import QUEUES
from tarry_infra import TarryStack
from tarry_infra.app import application
from tests.infra.conftest import NO_BUNDLING
from tests.infra.template import Template, text


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    outdir: Path = tmp_path_factory.mktemp("cdk.out")
    app = application(str(outdir), NO_BUNDLING)
    TarryStack(app, "Tarry", app="examples.approval:app", tuning={"log_days": 3})
    app.synth()
    template: dict[str, Any] = json.loads((outdir / "Tarry.template.json").read_text())
    return template


@pytest.fixture
def outputs(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: output["Value"] for name, output in snapshot["Outputs"].items()}


@pytest.fixture
def template(snapshot: dict[str, Any]) -> Template:
    return Template(snapshot["Resources"])


def read(outputs: dict[str, Any]) -> Deployment:
    """As the command line reads them, with expressions in place of the values that they will have."""
    return Deployment.read({name: value if isinstance(value, str) else text(value) for name, value in outputs.items()})


def test_they_say_the_settings_that_the_lambdas_have(outputs: dict[str, Any], template: Template) -> None:
    _, executor = template.function("executor")
    variables = executor["Environment"]["Variables"]
    told = read(outputs).settings
    assert {field.name: str(getattr(told, field.name)) for field in fields(Settings)} == {
        field.name: text(variables[Settings.variable(field.name)]) for field in fields(Settings)
    }
    assert told.log_days == 3


def test_they_name_the_app_and_its_functions(outputs: dict[str, Any]) -> None:
    told = read(outputs)
    assert told.app_id == "agent"
    assert set(told.functions) == {"agent"}


def test_they_name_the_lambda_that_takes_signals(outputs: dict[str, Any], template: Template) -> None:
    assert outputs[SIGNALS_FUNCTION] == {"Ref": template.function("signals")[0]}


def test_they_name_the_dead_letters_of_each_queue(outputs: dict[str, Any], template: Template) -> None:
    told = read(outputs).dead_letters
    readers = {"events": "matcher", "runs": "executor", "timers": "timers"}
    assert told.keys() == readers.keys() == {queue.name for queue in QUEUES}
    for name, reader in readers.items():
        _, queue = template.queue_read_by(reader)
        dead, _ = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
        assert told[name] == dead
