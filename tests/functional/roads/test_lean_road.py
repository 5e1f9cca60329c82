"""The lean road and the plain road against one server: the same requests, results, errors and repetitions."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from copy import copy
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import time_machine
from botocore.config import Config

from tarry_backend.store.lean_client import PLAIN, take_lean_road
from tests.functional.roads.answers import ANSWERS, ERRORS, ITEM
from tests.functional.roads.exchanges import EXCHANGES
from tests.functional.roads.scripted import Reply, Scripted, answered, scripted

NOON = "2026-01-05T12:00:00+00:00"
KEY = {"pk": {"S": "a ☃"}, "sk": {"S": "b"}}
WRITTEN = {**KEY, "bytes": {"B": b"\x00\xff"}, "number": {"N": "1"}}

CALLS: dict[str, dict[str, Any]] = {
    "GetItem": {"TableName": "t", "Key": KEY, "ConsistentRead": True},
    "PutItem": {"TableName": "t", "Item": WRITTEN, "ReturnConsumedCapacity": "TOTAL"},
    "UpdateItem": {
        "TableName": "t",
        "Key": KEY,
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": {":a": {"M": {"x": {"L": [{"B": b"x"}, {"BS": [b"y"]}]}}}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    },
    "Query": {
        "TableName": "t",
        "KeyConditionExpression": "pk = :a",
        "ExpressionAttributeValues": {":a": {"S": "\x00ä"}},
    },
    "BatchGetItem": {"RequestItems": {"t": {"Keys": [KEY]}}},
    "BatchWriteItem": {"RequestItems": {"t": [{"PutRequest": {"Item": WRITTEN}}]}},
    "TransactWriteItems": {"ClientRequestToken": "c", "TransactItems": [{"Put": {"TableName": "t", "Item": WRITTEN}}]},
}
SESSION = boto3.Session("key", "secret", "token", region_name="eu-west-1")
METHODS = {
    name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in (*CALLS, "SendMessage", "PutEvents", "Scan")
}

FIRST = answered({})
"""The lean road begins with the second request of a connection."""


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with scripted() as found:
        yield found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions come at once, and each call has the same id."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCOUNT_ID", "HTTP_PROXY", "http_proxy", PLAIN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("botocore.endpoint.uuid", SimpleNamespace(uuid4=lambda: "id of the call"))


def client(server: Scripted, *, lean: bool, service: str = "dynamodb") -> Any:
    config = Config(
        parameter_validation=False,
        connect_timeout=1,
        read_timeout=0.3,
        retries={"total_max_attempts": 3, "mode": "standard"},
    )
    made = SESSION.client(service, endpoint_url=server.url, config=config)  # type: ignore[call-overload]
    if lean:
        take_lean_road(made)
    return made


def outcome(call: Any) -> Any:
    """What the call returned, or raised: the error's class, text, response and reason."""
    try:
        answer = call()
    except Exception as error:
        response = getattr(error, "response", None)
        return type(error).__name__, str(error) if response else re.sub(r'\(.*|: ".*', "", str(error)), response
    return answer


def by_both(server: Scripted, operation: str, *replies: Reply) -> tuple[list[Any], list[Any]]:
    """Outcomes of a first call, and of a second one that gets the replies; and the requests that the server got."""
    outcomes, requests = [], []
    for lean in (False, True):
        server.begin([FIRST, *replies])
        made = client(server, lean=lean)
        call = getattr(made, METHODS[operation])
        with time_machine.travel(NOON, tick=False):
            call(**CALLS[operation])
            outcomes.append(outcome(lambda call=call: call(**CALLS[operation])))
        made.close()
        requests.append([_known(request) for request in server.requests])
    return outcomes, requests


def _known(request: bytes) -> Any:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
    assert len(headers) == len(lines)
    headers["user-agent"] = re.sub(r" m/\S+", "", headers["user-agent"])  # features of botocore that the call has used
    return first, headers, body


def assert_same(outcomes: list[Any], requests: list[Any]) -> None:
    assert outcomes[1] == outcomes[0]
    assert requests[1] == requests[0]


@pytest.mark.parametrize(("operation", "answer"), [(name, each) for name, all_ in ANSWERS.items() for each in all_])
def test_an_answer_is_the_same_by_both_roads(server: Scripted, operation: str, answer: Any) -> None:
    body = json.dumps(answer).encode()
    outcomes, requests = by_both(server, operation, answered(body))
    assert_same(outcomes, requests)
    assert outcomes[0]["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("status", "error"), ERRORS)
def test_an_error_and_its_repetitions_are_the_same_by_both_roads(server: Scripted, status: int, error: Any) -> None:
    replies = [answered(json.dumps(error).encode(), status)] * 3
    for operation in ("PutItem", "TransactWriteItems"):
        outcomes, requests = by_both(server, operation, *replies)
        assert_same(outcomes, requests)
        assert isinstance(outcomes[0], tuple)


def test_a_throttled_call_is_repeated_and_then_succeeds_by_both_roads(server: Scripted) -> None:
    throttled = answered({"__type": "com.amazonaws#ThrottlingException", "message": "slow down"}, 400)
    outcomes, requests = by_both(server, "GetItem", throttled, throttled, answered({"Item": {"pk": {"S": "a"}}}))
    assert_same(outcomes, requests)
    assert outcomes[1]["ResponseMetadata"]["RetryAttempts"] == 2
    assert outcomes[1]["Item"] == {"pk": {"S": "a"}}


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_is_the_same_by_both_roads(server: Scripted, name: str) -> None:
    assert_same(*by_both(server, "GetItem", *EXCHANGES[name]))


@pytest.mark.parametrize("operation", CALLS)
def test_a_request_is_the_same_by_both_roads_with_its_signature(server: Scripted, operation: str) -> None:
    _, requests = by_both(server, operation, answered({}), answered({}))
    assert_same([None, None], requests)
    _, headers, _ = requests[1][1]
    assert headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=key/20260105/eu-west-1/dynamodb/aws4_request"
    )
    assert headers["x-amz-security-token"] == "token"


@pytest.mark.parametrize(
    ("service", "operation", "call", "answer"),
    [
        ("sqs", "send_message", {"QueueUrl": "http://x/q", "MessageBody": "a ☃"}, {"MessageId": "1"}),
        ("events", "put_events", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}, {"Entries": []}),
    ],
)
def test_the_other_services_get_the_same_requests(
    server: Scripted, service: str, operation: str, call: Any, answer: Any
) -> None:
    found = []
    for lean in (False, True):
        server.begin([answered(answer)] * 2 + [answered({"__type": "AccessDenied", "message": "no"}, 400)])
        made = client(server, lean=lean, service=service)
        with time_machine.travel(NOON, tick=False):
            outcomes = [outcome(lambda made=made: getattr(made, operation)(**call)) for _ in range(3)]
        made.close()
        found.append((outcomes, [_known(request) for request in server.requests]))
    assert found[1] == found[0]


def test_connections_are_kept(server: Scripted) -> None:
    server.begin([answered({})] * 20)
    made = client(server, lean=True)
    for _ in range(20):
        made.get_item(**CALLS["GetItem"])
    made.close()
    assert (server.connections, len(server.requests)) == (1, 20)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_without_a_repetition(server: Scripted) -> None:
    server.begin([answered({}), Reply(answered({}).pieces, "close"), answered({"Item": {"pk": {"S": "a"}}})])
    made = client(server, lean=True)
    made.get_item(**CALLS["GetItem"])
    made.get_item(**CALLS["GetItem"])
    while not _is_dropped(made):
        pass
    answer = made.get_item(**CALLS["GetItem"])
    made.close()
    assert (answer["Item"], answer["ResponseMetadata"]["RetryAttempts"]) == ({"pk": {"S": "a"}}, 0)
    assert (server.connections, len(server.requests)) == (2, 3)


def _is_dropped(made: Any) -> bool:
    [pool] = made._endpoint.http_session._pools.values()
    return not any(each is not None and each.is_connected for each in pool.pool.queue)


def test_new_credentials_sign_the_next_request(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    server.begin(
        [answered({})] * 2 + [answered({"__type": "ExpiredTokenException", "message": "old"}, 400), answered({})]
    )
    made = client(server, lean=True)
    made.get_item(**CALLS["GetItem"])
    credentials = copy(made._request_signer._credentials)
    monkeypatch.setattr(made._request_signer, "_credentials", credentials)
    made.get_item(**CALLS["GetItem"])
    made.meta.events.register("needs-retry.dynamodb", lambda **_: _renewed(credentials))
    made.get_item(**CALLS["GetItem"])
    made.close()
    signed = [_known(request)[1] for request in server.requests]
    assert [each["x-amz-security-token"] for each in signed] == ["token", "token", "token", "renewed"]
    assert [each["authorization"].partition("=")[2].partition("/")[0] for each in signed] == ["key"] * 3 + ["renewed"]


def _renewed(credentials: Any) -> int | None:
    if credentials.token == "renewed":
        return None
    asked = credentials.__dict__.setdefault("asked", [])
    asked.append(1)
    if len(asked) > 1:
        return None
    credentials.access_key, credentials.secret_key, credentials.token = "renewed", "other", "renewed"
    return 0


def test_handlers_of_events_see_each_call_and_may_answer_it(server: Scripted) -> None:
    server.begin([answered({})] * 2)
    made = client(server, lean=True)
    seen: list[str] = []
    for event in ("before-call", "request-created", "before-sign", "before-send", "before-parse", "after-call"):
        made.meta.events.register(
            f"{event}.dynamodb", lambda event_name, **_: seen.append(event_name.partition(".")[0])
        )
    for _ in range(2):
        made.get_item(**CALLS["GetItem"])
    made.close()
    assert sorted(seen) == sorted(
        ["before-call", "request-created", "before-sign", "before-send", "before-parse", "after-call"] * 2
    )


def test_a_header_that_a_handler_adds_is_sent_and_signed(server: Scripted) -> None:
    requests = []
    for lean in (False, True):
        server.begin([answered({})] * 2)
        made = client(server, lean=lean)
        made.meta.events.register("before-sign.dynamodb", _marked)
        made.meta.events.register("before-send.dynamodb", lambda request, **_: request.headers.update({"X-Late": "l"}))
        with time_machine.travel(NOON, tick=False):
            for _ in range(2):
                made.get_item(**CALLS["GetItem"])
        made.close()
        requests.append([_known(request) for request in server.requests])
    assert requests[1] == requests[0]
    assert requests[1][1][1]["x-mark"] == "m"
    assert requests[1][1][1]["x-late"] == "l"
    assert "x-mark" in requests[1][1][1]["authorization"]


def _marked(request: Any, **_: object) -> None:
    request.headers["X-Mark"] = "m"


def test_a_large_item_is_written_whole(server: Scripted) -> None:
    server.begin([answered({})] * 2)
    made = client(server, lean=True)
    item = {**KEY, "b": {"B": bytes(1_000_000)}}
    for _ in range(2):
        made.put_item(TableName="t", Item=item)
    made.close()
    _, headers, body = _known(server.requests[1])
    assert int(headers["content-length"]) == len(body)
    assert json.loads(body)["Item"]["b"]["B"] == b64encode(bytes(1_000_000)).decode()


def test_the_condition_that_failed_brings_the_item(server: Scripted) -> None:
    refused = {"__type": "a#ConditionalCheckFailedException", "message": "no", "Item": ITEM}
    outcomes, _ = by_both(server, "UpdateItem", answered(json.dumps(refused).encode(), 400))
    assert outcomes[1] == outcomes[0]
    assert outcomes[1][2]["Item"]["bytes"] == {"B": bytes(range(256))}
