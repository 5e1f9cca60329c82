"""Each call of each Lambda is granted by the stack's template, and each grant is for a call.

No emulator asks IAM. So each Lambda runs through small stories on the embedded cloud, and the test compares its calls
with the statements of its role.
"""

from collections.abc import Iterable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from tarry_infra import TarryStack
from tests.infra.call_sites import call_sites
from tests.infra.conftest import NO_BUNDLING, SHOP
from tests.infra.policy import Grant, grants_of
from tests.infra.recorder import Recorder
from tests.infra.template import Template
from tests.infra.test_remote import an_app

LAMBDAS = ("matcher", "executor", "timers", "sweep", "signals", "api", "gateway", "sync")

BY_LAMBDA_ITSELF = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:SendMessage on TimersMissed.Arn",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
)
"""What the service Lambda does in the name of the role: it reads the queue, writes the log, reports failed sweeps."""

SPARE = {
    "gateway": {"dynamodb:PutItem on table with expires"},  # one code writes mailboxes; the gateway keeps no signal
}
"""What a Lambda may do and never does, and why."""

UNSEEN = {
    **dict.fromkeys(("bulks.py put", "bulks.py get", "bulks.py update", "log.py scan"), "the command line's own"),
    "run_index.py get_many": "a list of runs of an older release: as other reads of runs",
    "runs.py get_many": "the API's near misses: as its other reads of runs",
    "run_lives.py batch": "a life that drops steps, or has waits with several keys: as its other writes of steps",
    "signal_lambda.py invoke": "a sender's, who is outside of the stack",
}
"""The statements that call AWS and that no story reaches, and whose they are."""


@pytest.fixture(scope="module")
def whole() -> Template:
    """The stack with all that it can have."""
    app = cdk.App(context=NO_BUNDLING)
    stack = TarryStack(app, "Tarry", app=SHOP, remote=an_app, api=True)
    stack.grant_encryption(kms.Key(stack, "Payloads"))
    return Template(app.synth().get_stack_by_name("Tarry").template["Resources"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """What the Lambdas have asked of AWS in all stories."""
    recorder = Recorder()
    recorder.play(tmp_path_factory.mktemp("audit"))
    return recorder


def test_the_stories_are_played_by_each_lambda_of_the_stack_that_calls_aws(whole: Template) -> None:
    handlers = {str(each["Handler"]).split(".")[2] for each in whole.of("Lambda::Function").values() if _is_ours(each)}
    assert handlers - {"audit"} == set(LAMBDAS)  # the audit trail's converter calls nothing


@pytest.mark.parametrize("function", LAMBDAS)
def test_each_call_of_a_lambda_is_granted(recorded: Recorder, whole: Template, function: str) -> None:
    assert recorded.of(function)
    lacks = lacking(recorded, function, grants_of(whole.statements(function)))
    assert not lacks, "\n".join(lacks)


@pytest.mark.parametrize(
    ("function", "action", "place", "told"),
    [
        ("matcher", "sqs:SendMessage", "queue/timers", "the matcher lacks sqs:SendMessage on queue/timers"),
        ("api", "dynamodb:UpdateItem", "fn#*", "the api lacks dynamodb:UpdateItem on table of fn#"),
        ("executor", "s3:ListBucket", "runs/*", "the executor lacks s3:ListBucket on bucket under runs/"),
    ],
)
def test_a_grant_that_is_taken_away_is_missed(
    recorded: Recorder, whole: Template, function: str, action: str, place: str, told: str
) -> None:
    grants = list(grants_of(whole.statements(function)))
    left = [each for each in grants if not (each.action == action and place in f"{each.resource} {each.condition}")]
    assert len(left) == len(grants) - 1
    lacks = lacking(recorded, function, left)
    assert lacks
    assert all(each.startswith(told) for each in lacks)


@pytest.mark.parametrize("function", LAMBDAS)
def test_each_grant_of_a_lambda_is_for_a_call(recorded: Recorder, whole: Template, function: str) -> None:
    asked = recorded.of(function)
    idle = {each for grant in grants_of(whole.statements(function)) for each in grant.idle(asked)}
    idle -= {each for each in idle if each.startswith(BY_LAMBDA_ITSELF)}
    assert idle == SPARE.get(function, set()), f"the {function} may do this, and no story needs it"


def test_each_statement_that_calls_aws_is_reached_by_a_story(recorded: Recorder) -> None:
    unseen = {f"{site}".rpartition("/")[2] for site in call_sites() if not any(map(site.has, recorded.lines))}
    assert unseen == set(UNSEEN), "add a story to tests/infra/stories.py, so that the grants of its calls are checked"


def lacking(recorded: Recorder, function: str, grants: Iterable[Grant]) -> list[str]:
    """What the Lambda asks of AWS and the grants do not allow."""
    there = list(grants)
    asked = [each for each in recorded.of(function) if not any(grant.covers(each) for grant in there)]
    return [f"the {function} lacks {each}" for each in asked]


def _is_ours(function: object) -> bool:
    return isinstance(function, dict) and str(function["Handler"]).startswith("tarry_backend.handlers.")
