"""Encrypted payloads: nothing secret is readable in the table, the log or the bus, and functions notice nothing."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
from aws_encryption_sdk import EncryptionSDKClient
from moto import mock_aws

from tarry import (
    App,
    Batch,
    Cancel,
    Context,
    Event,
    EventMatch,
    Middleware,
    NonRetriableError,
    StepError,
    TriggerEvent,
    UsageError,
)
from tarry.encryption import ENCRYPTED, DecryptionError, Encryption, KmsKey, LocalKey
from tarry_backend.runtime import runtime
from tarry_dev.cli.encrypted_values import LOCAL_KEY, decrypted
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.times import compact
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary

SECRET = "4111-1111"

KEY, OTHER = LocalKey(b"k" * 32), LocalKey(b"o" * 32)


@dataclass
class Charge:
    card: str
    amount: Decimal
    at: datetime


def order(app: App, diary: Diary, encryption: Encryption, fn_id: str = "order") -> None:
    @app.create_function(
        fn_id=fn_id,
        trigger=TriggerEvent(event="placed"),
        middleware=[encryption],
        cancel=[Cancel(event="stopped", match="data.id")],
    )
    async def order(ctx: Context) -> dict[str, str]:
        async def charge() -> Charge:
            await diary.write(ctx.event.data["card"])
            return Charge(ctx.event.data["card"], Decimal("1.50"), datetime(2030, 1, 1, tzinfo=UTC))

        charged = await ctx.step.run("charge", charge)
        assert charged == Charge(SECRET, Decimal("1.50"), datetime(2030, 1, 1, tzinfo=UTC))
        await ctx.step.send_event("tell", Event("charged", {"id": ctx.event.data["id"], "card": charged.card}))
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1d")
        return {"card": charged.card, "iban": paid.data["iban"] if paid else ""}


def stored(cloud: Cloud) -> str:
    """All that the table has, and all that lies in queues."""
    items = cloud.clients.dynamodb.scan(TableName=cloud.settings.table)["Items"]
    messages = [message.body for queue in cloud.queues.values() for message in queue.messages]
    return repr(items) + repr(messages)


def test_nothing_secret_is_stored_and_the_function_sees_it_all(app: App, host: Host, diary: Diary) -> None:
    encryption = Encryption(KEY, readable=["id"])
    order(app, diary, encryption)
    app_sends(host, encryption, "placed", {"id": "7", "card": SECRET})
    app_sends(host, encryption, "paid", {"id": "7", "iban": f"DE{SECRET}"})
    run = host.run("order")
    assert run.status == "finished", run
    assert encryption.decrypted(run.output, "it") == {"card": SECRET, "iban": f"DE{SECRET}"}
    assert diary.entries == [SECRET]
    assert SECRET not in stored(host.cloud)
    (charged,) = host.events("charged")
    assert set(charged.data) == {"id", ENCRYPTED}
    assert SECRET not in json.dumps([event.model_dump() for event in host.events()])


def test_each_event_of_a_batch_is_decrypted_and_those_of_its_announcement_too(app: App, host: Host) -> None:
    encryption = Encryption(KEY, readable=["id"])
    two = Batch(2, "1m")

    @app.create_function(fn_id="book", trigger=TriggerEvent("placed"), batch_events=two, middleware=[encryption])
    async def book(ctx: Context) -> None:
        assert [(event.data["id"], event.data["card"]) for event in ctx.events] == [(0, SECRET), (1, SECRET)]
        raise NonRetriableError("the books are closed")

    @app.create_function(fn_id="hear", trigger=TriggerEvent("tarry/function.failed"), middleware=[encryption])
    async def hear(ctx: Context) -> list[str]:
        return [event["data"]["card"] for event in ctx.event.data["events"]]

    for number in range(2):
        app_sends(host, encryption, "placed", {"id": number, "card": SECRET})
    assert host.run("book").status == "failed"
    assert encryption.decrypted(host.run("hear").output, "it") == [SECRET, SECRET]
    assert SECRET not in stored(host.cloud)


def app_sends(host: Host, encryption: Encryption, name: str, data: dict[str, Any]) -> None:
    """Send as ``app.send`` of an app with this middleware does."""
    host.send([encryption.sealed(Event(name, data))])


def test_app_send_encrypts_too() -> None:
    app = App("shop", middleware=[Encryption(KEY, readable=["id"])])
    with Cloud(app) as cloud:
        app.send_sync(Event("placed", {"id": "7", "card": SECRET}))
        cloud.pump()
        assert ENCRYPTED in stored(cloud)
        assert SECRET not in stored(cloud)


def test_readable_fields_match_and_others_do_not(app: App, host: Host, diary: Diary) -> None:
    encryption = Encryption(KEY, readable=["id"])

    @app.create_function(fn_id="two", trigger=TriggerEvent(event="placed"), middleware=[encryption])
    async def two(ctx: Context) -> str | None:
        event = await ctx.step.wait_for_first(
            "first", [EventMatch("paid", match="data.id"), EventMatch("paid", "async.data.card == 'x'")], timeout="1h"
        )
        return event.data["card"] if event else None

    app_sends(host, encryption, "placed", {"id": "7"})
    app_sends(host, encryption, "paid", {"id": "8", "card": "x"})
    assert host.run("two").status == "running"
    app_sends(host, encryption, "paid", {"id": "7", "card": "y"})
    assert encryption.decrypted(host.run("two").output, "it") == "y"


def test_an_event_from_elsewhere_that_is_not_encrypted_is_taken_as_it_is(app: App, host: Host, diary: Diary) -> None:
    order(app, diary, Encryption(KEY, readable=["id"]))
    host.send("placed", {"id": "7", "card": SECRET})
    host.send("paid", {"id": "7", "iban": "DE"})
    assert host.run("order").status == "finished"


def test_whatever_a_former_key_has_encrypted_is_read_and_new_values_have_the_new_key(
    app: App, host: Host, diary: Diary
) -> None:
    before, after = Encryption(OTHER, readable=["id"]), Encryption(KEY, former=[OTHER], readable=["id"])
    current = [before]

    class Current(Encryption):
        def __call__(self) -> Any:
            return current[0]()

    order(app, diary, Current(KEY))
    app_sends(host, before, "placed", {"id": "7", "card": SECRET})
    current[0] = after
    app_sends(host, after, "paid", {"id": "7", "iban": "DE"})
    run = host.run("order")
    assert Encryption(KEY).decrypted(run.output, "it") == {"card": SECRET, "iban": "DE"}
    assert diary.entries == [SECRET]


def test_a_value_under_a_foreign_key_fails_the_run_and_says_so(app: App, host: Host, diary: Diary) -> None:
    order(app, diary, Encryption(KEY, readable=["id"]))
    app_sends(host, Encryption(OTHER, readable=["id"]), "placed", {"id": "7", "card": SECRET})
    error = host.run("order").error
    assert error is not None
    assert (error.name, host.run("order").status) == (DecryptionError.__name__, "failed")
    assert "former=" in error.message


def test_a_value_that_a_key_does_not_open_leaves_no_open_stream_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 and newer would write an error to the log as it collects one."""
    made: list[Any] = []
    stream = EncryptionSDKClient.stream

    def noted(client: EncryptionSDKClient, **options: Any) -> Any:
        made.append(stream(client, **options))
        return made[-1]

    monkeypatch.setattr(EncryptionSDKClient, "stream", noted)
    value = Encryption(OTHER).encrypted('"x"')
    assert Encryption(KEY, former=[OTHER]).decrypted(value, "it") == "x"
    with pytest.raises(DecryptionError):
        Encryption(KEY).decrypted(value, "it")
    assert [each.closed for each in made] == [True] * 3


def test_a_changed_ciphertext_is_noticed(app: App) -> None:
    encryption = Encryption(KEY)
    sealed = encryption.encrypted('{"a":1}')[ENCRYPTED]
    changed = sealed[:-6] + ("AAAA" if sealed[-6:-2] != "AAAA" else "BBBB") + sealed[-2:]
    with pytest.raises(DecryptionError):
        encryption.decrypted({ENCRYPTED: changed}, "it")


def test_a_function_that_is_invoked_gives_its_result_decrypted_and_the_next_run_of_a_chain_reads_its_data(
    app: App, host: Host
) -> None:
    encryption = Encryption(KEY)

    @app.create_function(fn_id="card", trigger=TriggerEvent(event="never"), middleware=[encryption])
    async def card(ctx: Context) -> object:
        if "card" not in ctx.event.data:
            return await ctx.continue_as_new({"card": SECRET})
        return ctx.event.data["card"]

    @app.create_function(fn_id="asker", trigger=TriggerEvent(event="asked"), middleware=[encryption])
    async def asker(ctx: Context) -> object:
        return await ctx.step.invoke("card", function=card)

    host.send("asked")
    assert encryption.decrypted(host.run("asker").output, "it") == SECRET
    assert SECRET not in stored(host.cloud)


def test_a_step_costs_no_request_to_kms_and_kms_keys_work() -> None:
    """A process asks for one data key, and decrypts each data key of others once."""
    app, calls = App("shop"), list[str]()
    with mock_aws():
        kms = boto3.client("kms", region_name="eu-central-1")
        key = KmsKey(kms.create_key()["KeyMetadata"]["Arn"])
        one, two = Encryption(key), Encryption(key)
        one._materials._encrypting.master_key_provider  # noqa: B018 - it is made here
        note(calls)
        values = [one.encrypted(f'"{number}"') for number in range(50)]
        assert [two.decrypted(value, "it") for value in values] == [str(number) for number in range(50)]
        assert [two.decrypted(value, "it") for value in values] == [str(number) for number in range(50)]
    assert calls == ["GenerateDataKey", "Decrypt"]
    assert app.id == "shop"


def note(calls: list[str]) -> None:
    """Note each request to KMS from now on."""
    import botocore.endpoint

    real = botocore.endpoint.Endpoint.make_request

    def noted(self: Any, model: Any, request: Any) -> Any:
        calls.append(model.name)
        return real(self, model, request)

    pytest.MonkeyPatch().setattr(botocore.endpoint.Endpoint, "make_request", noted)


@pytest.mark.parametrize(
    "made", [lambda: KmsKey("alias/shop"), lambda: LocalKey(b"short"), lambda: Encryption(KEY, max_messages=0)]
)
def test_what_cannot_be_a_key_is_refused_where_it_is_made(made: Any) -> None:
    with pytest.raises(UsageError):
        made()


def test_errors_are_not_encrypted(app: App, host: Host) -> None:
    """The limit of the contract of this middleware: an error's text stays readable."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), middleware=[Encryption(KEY)], retries=0)
    async def order(ctx: Context) -> None:
        raise StepError("charge", "Declined", f"card {SECRET}")

    host.send("placed")
    assert SECRET in (host.run("order").error or StepError("", "", "")).message


def test_people_see_that_a_value_is_encrypted_and_what_it_is_if_they_have_the_key(
    app: App, host: Host, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    encryption = Encryption(KEY, readable=["id"])
    order(app, diary, encryption)
    app_sends(host, encryption, "placed", {"id": "7", "card": SECRET})
    snapshot = runtime().store.runs.load(host.run("order").id)
    assert snapshot is not None
    assert compact(dict(snapshot.run.event.data)) == '{"id": "7", "$encrypted": "(encrypted)"}'
    assert compact(json.loads(snapshot.steps[0].output or "")) == '"(encrypted)"'
    monkeypatch.setenv(LOCAL_KEY, base64.b64encode(OTHER.secret).decode())
    with pytest.raises(CommandError, match="kms:Decrypt"):
        decrypted(snapshot)
    monkeypatch.setenv(LOCAL_KEY, base64.b64encode(KEY.secret).decode())
    shown = decrypted(snapshot)
    assert shown.run.event.data == {"id": "7", "card": SECRET}
    assert SECRET in (shown.steps[0].output or "")


def test_arguments_of_steps_are_not_stored_by_a_class_that_asks_for_it(app: App, host: Host) -> None:
    class Quiet(Middleware):
        hides_arguments = True

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), middleware=[Quiet])
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", str, SECRET + "!")
        await ctx.step.sleep("rest", "1h")

    host.send("placed")
    host.advance("2h")
    assert host.run("order").status == "finished"
    assert "'asked': {'S'" not in stored(host.cloud)


def test_who_hears_of_a_runs_end_gets_its_event_and_its_result_decrypted(app: App, host: Host, diary: Diary) -> None:
    encryption = Encryption(KEY, readable=["id"])

    @app.create_function(
        fn_id="audit", trigger=TriggerEvent("tarry/function.finished", "event.data.function_id == 'pay'"),
        middleware=[encryption],
    )  # fmt: skip
    async def audit(ctx: Context) -> None:
        await diary.write([ctx.event.data["event"]["data"]["card"], ctx.event.data["result"]["card"]])

    async def failed(ctx: Context) -> None:
        await diary.write(ctx.event.data["event"]["data"]["card"])

    @app.create_function(
        fn_id="pay", trigger=TriggerEvent("placed"), middleware=[encryption], on_failure=failed, retries=0
    )
    async def pay(ctx: Context) -> dict[str, str]:
        if ctx.event.data["id"] == "2":
            raise ValueError("the bank said no")
        return {"card": ctx.event.data["card"]}

    for number in ("1", "2"):
        host.send(encryption.sealed(Event("placed", {"id": number, "card": SECRET})))
    host.advance("1m")
    assert diary.entries == [[SECRET, SECRET], SECRET]
    assert SECRET not in stored(host.cloud)


def test_what_is_within_an_announcement_under_a_foreign_key_stays_as_it_is(app: App, host: Host, diary: Diary) -> None:
    foreign = Encryption(OTHER)

    @app.create_function(
        fn_id="watch",
        trigger=TriggerEvent("tarry/function.failed", "event.data.function_id == 'pay'"),
        middleware=[Encryption(KEY)],
    )
    async def watch(ctx: Context) -> None:
        await diary.write(sorted(ctx.event.data["event"]["data"]))

    @app.create_function(fn_id="pay", trigger=TriggerEvent("placed"), middleware=[foreign], retries=0)
    async def pay(ctx: Context) -> None:
        raise ValueError("the bank said no")

    host.send(foreign.sealed(Event("placed", {"card": SECRET})))
    host.advance("1m")
    assert diary.entries == [[ENCRYPTED]]


def test_a_ciphertext_of_something_else_in_the_place_of_an_events_data_fails_the_run_at_once(
    app: App, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), middleware=[Encryption(KEY)])
    async def order(ctx: Context) -> None: ...

    host.send(Event("placed", dict(Encryption(KEY).encrypted("5"))))
    error = host.run().error
    assert error is not None
    assert (error.name, "no JSON object" in error.message) == ("DecryptionError", True)
