"""A sender outside of the stack invokes the signals Lambda, which carries a signal and nothing else."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import tarry
from tarry import App, Context, LimitError, SignalError, SignalStatus, TriggerEvent, UsageError
from tarry._wire.signal_request import MAX_DATA
from tarry.signals import FUNCTION, Signals
from tests.functional.contract.permissions import refused
from tests.functional.contract.test_signals import mailbox
from tests.functional.contract.wire import skip_pauses

if TYPE_CHECKING:
    from tarry_dev.cloud import Call, Cloud, Host

APPROVAL = "approval/7"


@pytest.fixture(autouse=True)
def waiting(app: App) -> None:
    """The function ``order`` waits for the signal ``approval/7`` for an hour."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="1h")


@pytest.fixture
def sender(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> App:
    """The app in a web service of another account role: it knows the Lambda's name, neither the table nor the queue."""
    monkeypatch.setenv(FUNCTION, cloud.functions["signals"].function_name)
    return App("shop")


@pytest.fixture
def calls(cloud: Cloud) -> list[tuple[str, str]]:
    """What the Lambdas ask of AWS from now on."""
    made: list[tuple[str, str]] = []

    def note(call: Call) -> bool:
        made.extend([] if call.answered else [(call.function, call.operation)])
        return False

    for function in cloud.functions.values():
        function.dies = note
    return made


def ask(cloud: Cloud, document: Any) -> dict[str, Any]:
    """Invoke the Lambda as somebody does who has written the request himself."""
    name = cloud.functions["signals"].function_name
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(document).encode())
    assert "FunctionError" not in answer
    read: dict[str, Any] = json.loads(answer["Payload"].read())
    return read


def test_the_sender_is_told_by_the_lambda_what_became_of_the_signal(
    host: Host, sender: App, calls: list[tuple[str, str]]
) -> None:
    assert sender.send_signal(APPROVAL).status is SignalStatus.NOBODY_WAITS
    host.send("placed")
    run = host.run()
    calls.clear()
    receipt = sender.send_signal(APPROVAL, {"by": "ädä", "n": 10**30, "half": "\ud800"}, id="s-1")
    assert calls == [("signals", "GetItem"), ("signals", "PutItem"), ("signals", "SendMessage")]
    assert (receipt.status, receipt.id, receipt.run_id) == (SignalStatus.DELIVERED, "s-1", run.id)
    host.advance("1s")
    assert run.output == {"by": "ädä", "n": 10**30, "half": "\ud800"}
    again = sender.send_signal(APPROVAL, id="s-1")
    assert (again.status, again.run_id) == (SignalStatus.DUPLICATE, run.id)
    kept = sender.send_signal(APPROVAL, id="s-2", keep="1h")
    assert (kept.status, kept.run_id) == (SignalStatus.KEPT, None)
    assert kept.kept_until is not None
    assert abs((kept.kept_until - host.now).total_seconds() - 3600) < 1


def test_a_step_delivers_by_itself_and_no_lambda_waits_for_another(
    app: App, host: Host, calls: list[tuple[str, str]]
) -> None:
    @app.create_function(fn_id="approve", trigger=TriggerEvent(event="approved"))
    async def approve(ctx: Context) -> str:
        return str(await ctx.step.run("send", lambda: app.send_signal(APPROVAL, "yes").status.value))

    host.send("placed")
    host.send("approved")
    assert (host.run("approve").output, host.run("order").output) == ("delivered", "yes")
    assert [call for call in calls if call[0] == "signals"] == []


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no object": (["approval/7"], "UsageError", "JSON object"),
    "no name": ({}, "UsageError", "1 to 512 bytes"),
    "a name that is too long": ({"name": "n" * 513}, "UsageError", "1 to 512 bytes"),
    "a field of an item": ({"name": "a", "match_key": "k"}, "UsageError", "no field 'match_key'"),
    "a message": ({"tarry": "resume", "run_id": "R"}, "UsageError", "no field 'run_id'"),
    "data that are too large": ({"name": "a", "data": json.dumps("x" * MAX_DATA)}, "LimitError", "32,000"),
    "a text that is far too large": ({"name": "a", "data": " " * 200_000}, "LimitError", "200,000"),
    "data that are too deep": ({"name": "a", "data": "[" * 201 + "]" * 201}, "OutputError", "deeper than 200"),
    "data too deep to be read": ({"name": "a", "data": "[" * 30_000}, "OutputError", "not JSON"),
    "no JSON": ({"name": "a", "data": "{"}, "OutputError", "not JSON"),
    "no JSON but Python's": ({"name": "a", "data": "NaN"}, "OutputError", "nan"),
    "half of a surrogate pair beside it": ({"name": "a", "data": '{"\\ud800": NaN}'}, "OutputError", "nan"),
    "data that are no text": ({"name": "a", "data": {"by": "ada"}}, "UsageError", "JSON as text"),
    "an id that is too long": ({"name": "a", "id": "i" * 513}, "UsageError", "1 to 512 bytes"),
    "an id that is no text": ({"name": "a", "id": 7}, "UsageError", "1 to 512 bytes"),
    "keep as text": ({"name": "a", "keep": "1h"}, "UsageError", "whole milliseconds"),
    "keep for no time": ({"name": "a", "keep": 0}, "DurationError", "above zero"),
    "keep for too long": ({"name": "a", "keep": 10**12}, "DurationError", "366 days"),
    "keep that is true": ({"name": "a", "keep": True}, "UsageError", "whole milliseconds"),
    "a mark that is too long": ({"name": "a", "call": "c" * 65}, "UsageError", "64 ASCII"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_signal_is_refused_at_the_door_and_nothing_is_written(
    cloud: Cloud, calls: list[tuple[str, str]], case: str
) -> None:
    request, kind, said = REFUSED[case]
    [(key, error)] = ask(cloud, request).items()
    assert (key, error["name"]) == ("error", kind)
    assert said in error["message"]
    json.dumps(error, ensure_ascii=False).encode()  # as the Lambda's runtime writes it
    assert calls == []


def test_a_stranger_with_the_grant_needs_a_name_and_nothing_else(host: Host) -> None:
    host.send("placed")
    answer = ask(host.cloud, {"name": APPROVAL, "data": '{"by": "curl"}'})
    host.advance("1s")
    assert answer["receipt"]["status"] == "delivered"
    assert host.run().output == {"by": "curl"}


def test_a_mailbox_has_no_attribute_by_which_an_index_finds_it(cloud: Cloud, sender: App) -> None:
    sender.send_signal(APPROVAL, keep="1h")
    assert mailbox(cloud).keys() == {"pk", "sk", "mailbox", "written_by", "expires"}


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("", {}, UsageError),
        (APPROVAL, {"data": {1, 2}}, UsageError),
        (APPROVAL, {"data": "x" * MAX_DATA}, LimitError),
        (APPROVAL, {"keep": "0s"}, tarry.DurationError),
        (APPROVAL, {"id": ""}, UsageError),
    ],
)
def test_the_sender_learns_before_it_asks_aws_that_a_signal_cannot_be_sent(
    sender: App, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], kind: type[Exception]
) -> None:
    monkeypatch.setenv(FUNCTION, "no-such-lambda")
    with pytest.raises(kind):
        sender.send_signal(name, **options)


def test_the_error_that_only_the_mailbox_knows_reaches_the_sender_as_it_is(sender: App) -> None:
    for _ in range(10):
        sender.send_signal(APPROVAL, keep="1h")
    with pytest.raises(LimitError, match="10 signals are already kept"):
        sender.send_signal(APPROVAL, keep="1h")


def lose(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, times: int) -> list[Any]:
    """Has the first answers of the Lambda be lost on their way. Returns what it is asked."""
    respond, asked = cloud._lambdas.respond, list[Any]()

    def respond_or_not(path: str, payload: bytes) -> Any:
        asked.append(json.loads(payload))
        answered = respond(path, payload)
        if len(asked) <= times:
            raise ReadTimeoutError(endpoint_url="https://lambda")
        return answered

    monkeypatch.setattr(cloud._lambdas, "respond", respond_or_not)
    skip_pauses(monkeypatch)
    return asked


@pytest.mark.parametrize("keep", [None, "1h"])
def test_a_sender_whose_answer_is_lost_is_told_what_it_did_and_not_that_it_was_done_before(
    host: Host, sender: App, monkeypatch: pytest.MonkeyPatch, keep: str | None
) -> None:
    """client     invoke ─── (no answer) ── invoke again ── the first answer
    Lambda            mailbox                          found, of the same call
    """
    if keep is None:
        host.send("placed")
    asked = lose(monkeypatch, host.cloud, 2)
    receipt = sender.send_signal(APPROVAL, "yes", id="s-1", keep=keep)
    assert (len(asked), len({each["call"] for each in asked})) == (3, 1)
    assert receipt.status is (SignalStatus.KEPT if keep else SignalStatus.DELIVERED)
    assert (receipt.kept_until is None) is (keep is None)
    assert sender.send_signal(APPROVAL, "yes", id="s-1").status is SignalStatus.DUPLICATE


def test_a_kept_signal_whose_answer_is_lost_and_that_a_wait_takes_meanwhile_was_delivered(
    host: Host, sender: App, cloud: Cloud
) -> None:
    request = {"name": APPROVAL, "data": '"yes"', "id": "s-1", "keep": 3_600_000, "call": "c-1"}
    assert ask(cloud, request)["receipt"]["status"] == "kept"
    host.send("placed")
    assert host.run().output == "yes"
    receipt = ask(cloud, request)["receipt"]
    assert (receipt["status"], receipt["run_id"]) == ("delivered", host.run().id)
    assert ask(cloud, request | {"call": "c-2"})["receipt"]["status"] == "duplicate"


def test_a_lambda_that_dies_leaves_the_sender_an_id_to_send_again_with(host: Host, sender: App) -> None:
    """mailbox: letter ── dies ── the same id again: the message goes out"""
    host.send("placed")
    died: list[str] = []

    def dies(call: Call) -> bool:
        return call.operation == "SendMessage" and not call.answered and not died

    with host.cloud.dies(dies, function="signals"), pytest.raises(SignalError, match="id='s-1'"):
        sender.send_signal(APPROVAL, "yes", id="s-1")
    assert host.run().status == "running"
    assert sender.send_signal(APPROVAL, "yes", id="s-1").status is SignalStatus.DUPLICATE
    host.advance("1s")
    assert host.run().output == "yes"


def test_a_sender_that_lambda_has_no_capacity_for_knows_that_nothing_was_sent(
    cloud: Cloud, sender: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new account has ten concurrent Lambdas, and ten runs may be under way."""
    asked: list[str] = []

    def throttle(path: str, payload: bytes) -> Any:
        asked.append(path)
        return 429, {"x-amzn-errortype": "TooManyRequestsException"}, b'{"Reason": "ReservedFunctionConcurrentLimit"}'

    monkeypatch.setattr(cloud._lambdas, "respond", throttle)
    skip_pauses(monkeypatch)
    with pytest.raises(SignalError, match="throttles the signals Lambda, so nothing was sent"):
        sender.send_signal(APPROVAL, keep="1h")
    assert len(asked) == 4
    assert mailbox(cloud) == {}


def test_a_sender_whose_lambda_has_lost_its_snapshot_knows_that_nothing_was_sent(
    cloud: Cloud, sender: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SnapStart, Lambda drops the snapshot of a version that nothing has invoked for 14 days."""
    refusal = 409, {"x-amzn-errortype": "SnapStartNotReadyException"}, b'{"Message": "Lambda is initializing"}'
    monkeypatch.setattr(cloud._lambdas, "respond", lambda path, payload: refusal)
    with pytest.raises(SignalError, match=r"not ready .* so nothing was sent; send it again, with id="):
        sender.send_signal(APPROVAL, keep="1h")
    assert mailbox(cloud) == {}


@pytest.mark.parametrize("body", [b"null", b"[]", b'"?"', b"{", b'{"receipt": {"status": "?"}}'])
def test_an_answer_that_is_none_is_an_error_of_the_signal(
    cloud: Cloud, sender: App, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(cloud._lambdas, "respond", lambda path, payload: (200, {}, body))
    with pytest.raises(SignalError, match="may have been sent or not"):
        sender.send_signal(APPROVAL)


def test_a_wrong_name_of_the_lambda_is_awss_own_error(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="no Lambda 'elsewhere'"):
        Signals("arn:aws:lambda:us-east-1:123456789012:function:elsewhere").send(APPROVAL, None, None, None)


def test_the_lambda_dates_a_signal_not_its_sender(cloud: Cloud) -> None:
    """Or a sender whose clock is behind, or who says so, answers a wait that is over."""
    before = time.time_ns() // 1_000_000
    ask(cloud, {"name": APPROVAL, "keep": 3_600_000, "id": "s-1"})
    [kept] = json.loads(mailbox(cloud)["mailbox"]["B"])["kept"]
    assert before <= kept["letter"]["at"]


def test_the_signals_lambdas_own_role_cannot_plant_an_index_entry_nor_touch_a_run() -> None:
    """If the Lambda had a fault, its role would still hold."""
    mine = {"pk": {"S": "signal#a"}, "sk": {"S": "signal"}, "mailbox": {"B": ""}, "written_by": {"S": "m"}}
    assert refused("signals", "PutItem", {"Item": mine}) == []
    assert refused("signals", "PutItem", {"Item": mine | {"match_key": {"S": "k"}, "wait_ref": {"S": "r"}}})
    assert refused("signals", "PutItem", {"Item": mine | {"pk": {"S": "run#R"}}})
    assert refused("signals", "UpdateItem", {"Key": mine})
