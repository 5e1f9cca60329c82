"""Where the lean road holds on to botocore, urllib3 and PynamoDB, and what happens if a hold is gone."""

import inspect
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth
from botocore.httpsession import URLLib3Session
from botocore.regions import EndpointRulesetResolver
from botocore.useragent import UserAgentString
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

from tarry_backend.store.lean_client import PLAIN, take_lean_road
from tarry_backend.store.lean_session import LeanSession
from tarry_backend.store.lean_signature import prove
from tarry_backend.telemetry import logger
from tests.functional.roads.certificate import certified
from tests.functional.roads.scripted import Scripted, answered, scripted

SESSION = boto3.Session("key", "secret", region_name="eu-west-1")
GET = {"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as found:
        yield found


@pytest.fixture(autouse=True)
def _lean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PLAIN, "AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def client(url: str, **options: Any) -> Any:
    return SESSION.client("dynamodb", endpoint_url=url, **options)


SIGNATURES: dict[str, tuple[Any, list[str]]] = {
    "botocore.useragent.UserAgentString.to_string": (UserAgentString.to_string, ["self"]),
    "botocore.httpsession.URLLib3Session.send": (URLLib3Session.send, ["self", "request"]),
    "botocore.regions.EndpointRulesetResolver.construct_endpoint": (
        EndpointRulesetResolver.construct_endpoint,
        ["self", "operation_model", "call_args", "request_context"],
    ),
    "botocore.auth.SigV4Auth.__init__": (SigV4Auth.__init__, ["self", "credentials", "service_name", "region_name"]),
    "botocore.auth.SigV4Auth.headers_to_sign": (SigV4Auth.headers_to_sign, ["self", "request"]),
    "botocore.auth.SigV4Auth.canonical_headers": (SigV4Auth.canonical_headers, ["self", "headers_to_sign"]),
    "botocore.auth.SigV4Auth.signed_headers": (SigV4Auth.signed_headers, ["self", "headers_to_sign"]),
    "botocore.auth.SigV4Auth.payload": (SigV4Auth.payload, ["self", "request"]),
    "botocore.auth.SigV4Auth.signature": (SigV4Auth.signature, ["self", "string_to_sign", "request"]),
    "urllib3.PoolManager.connection_from_url": (PoolManager.connection_from_url, ["self", "url", "pool_kwargs"]),
    "urllib3.HTTPConnectionPool._get_conn": (HTTPConnectionPool._get_conn, ["self", "timeout"]),
    "urllib3.HTTPConnectionPool._put_conn": (HTTPConnectionPool._put_conn, ["self", "conn"]),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_the_lean_road_leans_on_has_not_changed(name: str) -> None:
    function, expected = SIGNATURES[name]
    found = list(inspect.signature(function).parameters)
    assert found == expected, f"{name} has changed, on which tarry_backend/store/lean_*.py lean: see ADR 42"


@pytest.mark.parametrize(
    "name",
    [
        "_user_agent_creator.to_string",
        "_endpoint.http_session._manager.connection_from_url",
        "_endpoint.http_session._proxy_config.proxy_url_for",
        "_serializer.serialize_to_request",
        "_ruleset_resolver.construct_endpoint",
        "meta.events.register",
        "meta.service_model.service_id",
    ],
)
def test_a_client_has_what_the_lean_road_leans_on(name: str) -> None:
    found: Any = client("http://127.0.0.1:9")
    for part in name.split("."):
        assert hasattr(found, part), f"a client has no {name} any more, on which the lean road leans: see ADR 42"
        found = getattr(found, part)


def test_the_signer_that_the_lean_road_stands_in_for_is_v4() -> None:
    assert AUTH_TYPE_MAPS["v4"] is SigV4Auth, "botocore signs DynamoDB's requests otherwise now: see ADR 42"


def test_a_client_takes_the_lean_road(server: Scripted) -> None:
    made = client(server.url)
    take_lean_road(made)
    assert isinstance(made._endpoint.http_session, LeanSession)
    made.close()


def test_the_environment_leaves_a_client_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAIN, "1")
    made = client("http://127.0.0.1:9")
    take_lean_road(made)
    assert type(made._endpoint.http_session) is URLLib3Session
    assert "to_string" not in vars(made._user_agent_creator)
    assert "serialize_to_request" not in vars(made._serializer)


@pytest.mark.parametrize("name", ["_user_agent_creator", "_endpoint", "_serializer", "_ruleset_resolver"])
def test_without_a_hold_the_client_takes_the_plain_road_and_one_line_says_so(
    server: Scripted, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    made = client(server.url)
    taken = made.__dict__.pop(name)
    with caplog.at_level(logging.WARNING):
        take_lean_road(made)
    setattr(made, name, taken)
    assert [record.message for record in caplog.records] == [
        "clients of AWS take the plain road: botocore or urllib3 has changed"
    ]
    server.begin([answered({})] * 2)
    for _ in range(2):
        made.get_item(**GET)
    assert type(made._endpoint.http_session) is URLLib3Session
    made.close()


@pytest.mark.parametrize("module", ["lean_session", "lean_signature", "lean_answer", "lean_call"])
def test_a_name_that_botocore_no_longer_has_is_no_error_of_a_lambda(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"tarry_backend.store.{module}", None)
    made = client("http://127.0.0.1:9")
    take_lean_road(made)
    assert type(made._endpoint.http_session) is URLLib3Session


def test_a_signature_that_differs_from_botocores_leaves_the_client_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    prove.cache_clear()
    monkeypatch.setattr(SigV4Auth, "canonical_request", lambda self, request: "another" + str(type(self)))
    made = client("http://127.0.0.1:9")
    take_lean_road(made)
    assert type(made._endpoint.http_session) is URLLib3Session


def test_another_session_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(URLLib3Session):
        pass

    made = client("http://127.0.0.1:9")
    other = made._endpoint.http_session = Other()
    take_lean_road(made)
    assert made._endpoint.http_session is other


def test_a_pool_of_another_form_is_left_to_botocore(server: Scripted) -> None:
    made = client(server.url)
    take_lean_road(made)
    session = made._endpoint.http_session
    session._pool_of = lambda url: object()
    server.begin([answered({})] * 3)
    for _ in range(3):
        made.get_item(**GET)
    assert session._pools == {}
    made.close()


def test_a_proxy_is_left_to_botocore(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    made = client("http://dynamodb.invalid")
    take_lean_road(made)
    server.begin([answered({})] * 2)
    for _ in range(2):
        made.get_item(**GET)
    assert made._endpoint.http_session._pools == {}
    assert server.requests[1].startswith(b"POST http://dynamodb.invalid/ HTTP/1.1\r\n")
    made.close()


def test_a_connection_with_tls_is_kept_and_its_certificate_is_verified(tmp_path: Path) -> None:
    certificate, context = certified(tmp_path)
    with scripted(context) as server:
        url = f"https://localhost:{server.port}"
        server.begin([answered({"Item": {"pk": {"S": "a"}}})] * 3)
        made = client(url, verify=str(certificate))
        take_lean_road(made)
        answers = [made.get_item(**GET) for _ in range(3)]
        made.close()
        assert [answer["Item"] for answer in answers] == [{"pk": {"S": "a"}}] * 3
        assert server.connections == 1
        stranger = client(url)
        take_lean_road(stranger)
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.get_item(**GET)
        stranger.close()
