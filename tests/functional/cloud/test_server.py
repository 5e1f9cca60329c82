"""The embedded cloud on a port: for AWS's own clients, for curl, and moving by itself."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tarry.errors import UsageError
from tarry_dev.cloud import Cloud, RealClock
from tarry_dev.cloud.server import Server
from tests.functional.cloud.conftest import MakeCloud
from tests.functional.cloud.recorder import Recorder, send_timer
from tests.functional.serving import ROOT


@pytest.fixture
def live(make_cloud: MakeCloud) -> Cloud:
    return make_cloud(clock=RealClock())


@pytest.fixture
def server(live: Cloud) -> Iterator[Server]:
    with live.serve() as server:
        yield server


def ask(url: str, body: object = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def soon(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come true within half a minute"
        time.sleep(0.01)


def events(matcher: Recorder) -> list[dict[str, Any]]:
    return [json.loads(body) for body in matcher.bodies]


def test_events_come_in_by_http(server: Server, matcher: Recorder) -> None:
    status, answer = ask(f"{server.url}/events", {"name": "order/paid", "data": {"id": 1}})
    assert status == 200
    soon(lambda: matcher.events)
    [event] = events(matcher)
    assert (event["detail-type"], event["source"], event["detail"]["data"]) == (
        "order/paid",
        "tarry.shop",
        {"id": 1},
    )
    assert answer == {"ids": [event["detail"]["id"]]}


def test_several_events_come_in_with_all_their_fields(server: Server, matcher: Recorder) -> None:
    snapshot = {"name": "b", "data": {}, "id": "x", "user": {"id": "u"}, "ts": 5}
    assert ask(f"{server.url}/events", [{"name": "a"}, snapshot])[1]["ids"][1] == "x"
    soon(lambda: len(matcher.records) == 2)
    assert events(matcher)[1]["detail"] == {"v": 1, "id": "x", "ts": 5, "data": {}, "user": {"id": "u"}}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ([{"name": "fine"}, {"name": "tarry/run.cancel", "data": {"run_id": "x"}}], "are Tarry's own"),
        (b"no JSON", "Expecting value"),
        (b"\xff", "can't decode"),
        ("a", "an event is a JSON object such as"),
        ({"data": {}}, "an event is a JSON object such as"),
        ({"name": "a", "date": {}}, "no field 'date'"),
        ({"name": "a", "data": 7}, "data is a int"),
        ({"name": "a" * 200}, "200 characters"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(server: Server, body: object, complaint: str) -> None:
    status, answer = ask(f"{server.url}/events", body)
    assert status == 400
    assert complaint in answer["error"]


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("http://localhost:3000", 200), ("null", 403)]
)
def test_web_pages_from_elsewhere_send_no_events(server: Server, origin: str, status: int) -> None:
    assert ask(f"{server.url}/events", {"name": "a"}, Origin=origin)[0] == status


def test_the_http_api_is_served_at_its_own_paths(server: Server) -> None:
    status, answer = ask(f"{server.url}/events/a%2Fb%3F")
    assert status == 400
    assert "event a/b? " in answer["message"]
    assert ask(f"{server.url}/events/a%2Fb%3F?name=paid")[0] == 404
    assert ask(f"{server.url}/runs/NONE/cancel", {})[0] == 404
    assert ask(f"{server.url}/runs/NONE/cancel", {}, Origin="https://evil.example")[0] == 403


FOREIGN = {
    "a page's event": ("/events", {"Origin": "https://evil.example"}),
    "a page without a site": ("/events", {"Origin": "null"}),
    "a page's question": ("/health", {"Origin": "https://evil.example"}),
    "an image in a page": ("/?Action=ListQueues", {"Sec-Fetch-Site": "cross-site"}),
    "a page that speaks to AWS": ("/", {"Origin": "https://evil.example", "Authorization": "AWS4-HMAC-SHA256 x"}),
    "a rebound name": ("/health", {"Host": "evil.example"}),
    "a rebound name with a port": ("/events", {"Host": "evil.example:8787"}),
    "a rebound name that speaks to AWS": ("/", {"Host": "evil.example", "Authorization": "AWS4-HMAC-SHA256 x"}),
    "a name that ends like ours": ("/health", {"Host": "notlocalhost"}),
    "a name that begins like ours": ("/health", {"Host": "localhost.evil.example"}),
    "a host that is none": ("/health", {"Host": "["}),
    "an origin that is none": ("/health", {"Origin": "http://["}),
    "a user before the host": ("/health", {"Origin": "http://localhost@evil.example"}),
}


@pytest.mark.parametrize(("path", "headers"), FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_web_pages_of_other_sites_are_refused_and_told_why(
    server: Server, matcher: Recorder, method: str, path: str, headers: dict[str, str]
) -> None:
    body = json.dumps({"name": "a"}).encode() if method in ("POST", "PUT") else None
    request = urllib.request.Request(f"{server.url}{path}", body, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    with refused.value as answer:
        assert answer.status == 403
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        assert "--allow-host" in json.load(answer)["error"]
    assert matcher.records == []


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8787", "[::1]:8787", "tarry.localhost"])
def test_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert ask(f"{server.url}/health", Host=host)[0] == 200


def test_a_host_that_is_allowed_is_answered_and_its_pages_are(live: Cloud) -> None:
    headers = {"Host": "shop.example", "Origin": "https://SHOP.example", "Sec-Fetch-Site": "cross-site"}
    with live.serve(allowed_hosts=["Shop.example"]) as server:
        assert ask(f"{server.url}/events", {"name": "a"}, **headers)[0] == 200
        assert ask(f"{server.url}/health", Host="other.example")[0] == 403


@pytest.mark.parametrize("body", [b"[" * 100_000, json.dumps({"name": "a", "data": {"a": "\ud800"}}).encode()])
def test_an_event_that_nothing_could_read_is_refused_by_http(server: Server, body: bytes) -> None:
    status, answer = ask(f"{server.url}/events", body)
    assert status == 400
    assert answer["error"]


def test_each_of_our_paths_answers_in_json(server: Server) -> None:
    for path in ("/events", "/runs/" + "x" * 3_000, "/runs/%00", "/events/%ff?name=" + "x" * 3_000):
        status, answer = ask(f"{server.url}{path}")
        assert 400 <= status < 500, path
        assert answer["message"]


@pytest.mark.parametrize("path", ["/health", "/runs", "/waits"])
def test_a_head_request_is_answered_as_a_get_without_the_body(server: Server, path: str) -> None:
    asked = urllib.request.Request(f"{server.url}{path}", method="HEAD")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert (answer.status, answer.headers["Content-Type"], answer.read()) == (200, "application/json", b"")


def test_health_says_what_is_served(server: Server) -> None:
    status, answer = ask(f"{server.url}/health")
    assert status == 200
    assert (answer["status"], answer["app"], answer["region"]) == ("ok", "shop", "us-east-1")
    assert answer["settings"]["table"] == "tarry"


def test_aws_clients_see_the_same_account(live: Cloud, server: Server, matcher: Recorder) -> None:
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "key", "region_name": "us-east-1"}
    outside = boto3.Session(**keys)  # type: ignore[arg-type]
    sqs = outside.client("sqs", endpoint_url=server.url)
    url = sqs.get_queue_url(QueueName="tarry-runs.fifo")["QueueUrl"]
    assert url.startswith(server.url)
    assert outside.client("dynamodb", endpoint_url=server.url).list_tables()["TableNames"] == ["tarry"]
    assert outside.client("s3", endpoint_url=server.url).list_buckets()["Buckets"][0]["Name"] == "tarry"
    bus = outside.client("events", endpoint_url=server.url)
    bus.put_events(Entries=[{"EventBusName": "tarry-shop", "Source": "x", "DetailType": "y", "Detail": '{"z": 1}'}])
    soon(lambda: matcher.events)
    assert events(matcher)[0]["detail"] == {"z": 1}


def test_a_bucket_may_be_called_events(server: Server) -> None:
    s3 = boto3.client("s3", endpoint_url=server.url)
    s3.create_bucket(Bucket="events")
    s3.put_object(Bucket="events", Key="k", Body=b"v")
    s3.delete_objects(Bucket="events", Delete={"Objects": [{"Key": "k"}]})
    assert "Contents" not in s3.list_objects_v2(Bucket="events")


def test_a_served_cloud_moves_by_itself(live: Cloud, server: Server, timers: Recorder) -> None:
    began = time.monotonic()
    send_timer(live, "soon", delay=1)
    soon(lambda: timers.bodies)
    assert time.monotonic() - began >= 0.9


def test_who_waits_for_a_message_keeps_nobody_waiting(live: Cloud, server: Server, timers: Recorder) -> None:
    sqs = boto3.client("sqs", endpoint_url=server.url)
    dead = sqs.get_queue_url(QueueName="tarry-events-dead")["QueueUrl"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(sqs.receive_message, QueueUrl=dead, WaitTimeSeconds=20)
        time.sleep(0.2)
        send_timer(live, "meanwhile")
        soon(lambda: timers.bodies)
        assert not waiting.done()
        sqs.send_message(QueueUrl=dead, MessageBody="at last")
        assert waiting.result()["Messages"][0]["Body"] == "at last"


def test_a_handler_that_fails_does_not_stop_the_cloud(live: Cloud, server: Server, timers: Recorder) -> None:
    def fall(records: list[dict[str, Any]]) -> None:
        raise ValueError("no")

    timers.answer = fall
    send_timer(live, "a")
    soon(lambda: timers.bodies == ["a"])
    timers.answer = lambda records: None
    send_timer(live, "b")
    soon(lambda: timers.bodies == ["a", "b"])


def test_nothing_is_lost_between_many_senders(live: Cloud, server: Server, timers: Recorder) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: send_timer(live, str(number)), range(200)))
    soon(lambda: len(timers.bodies) >= 200)
    assert sorted(timers.bodies, key=int) == [str(number) for number in range(200)]


def test_a_moved_clock_is_not_served(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match=r"clock=RealClock\(\)"):
        cloud.serve()


def test_a_server_ends_with_its_block(live: Cloud) -> None:
    with live.serve() as server:
        url = server.url
    with pytest.raises(urllib.error.URLError):
        ask(f"{url}/health")


def test_the_lists_of_the_http_api_are_served_too(server: Server) -> None:
    assert ask(f"{server.url}/runs?limit=1") == (200, {"runs": [], "next": None})
    assert ask(f"{server.url}/waits") == (200, {"waits": [], "next": None})
    assert ask(f"{server.url}/events?name=paid&since=1m") == (200, {"events": [], "next": None})
    status, answer = ask(f"{server.url}/runs?limit=many")
    assert (status, answer["statusCode"]) == (400, 400)


def test_each_address_of_the_http_api_is_served_too(server: Server) -> None:
    """One that is not the API's would be taken for a bucket: S3 answers in XML."""
    routes = re.findall(
        r'@_routes.(get|post)\("(.+?)"\)', (ROOT / "functions/tarry_backend/handlers/api.py").read_text()
    )
    assert len(routes) >= 12
    for method, path in routes:
        status, answer = ask(f"{server.url}{re.sub('<.+?>', 'nobodys', path)}", None if method == "get" else b"")
        assert isinstance(answer, dict), path
        assert status == 200 or answer["statusCode"] == status, path
