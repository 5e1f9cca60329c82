"""Whom the console answers, and what it refuses."""

from typing import Any

import pytest

from tarry_dev.console.source import PageError
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import Site, make_app, text_of


@pytest.fixture
def site(tarry_host: MakeHost) -> Site:
    return Site.of(tarry_host(make_app()))


def test_a_name_that_is_not_this_machines_is_refused(site: Site) -> None:
    for host in ("evil.test", "evil.test:8787", "localhost.evil.test", "127.0.0.1.evil.test"):
        answer = site.client.get("/runs", headers={"Host": host})
        assert answer.status_code == 403
        assert "does not answer under the name" in answer.text
    for host in ("localhost:1", "127.0.0.1", "[::1]:80", "tarry.localhost"):
        assert site.client.get("/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://localhost:1", "http://evil.localhost"])
def test_a_page_of_another_origin_posts_nothing(site: Site, origin: str) -> None:
    site.get("/runs")
    answer = site.client.post("/send", data={"name": "a"}, headers={"Host": "localhost", "Origin": origin})
    assert answer.status_code == 403
    assert "comes from a page of" in answer.text


def test_a_form_without_the_mark_of_its_page_is_refused(site: Site) -> None:
    site.get("/runs")
    for mark in ("", "0" * 64):
        answer = site.client.post("/send", data={"name": "a", "mark": mark}, base_url="http://localhost")
        assert answer.status_code == 403
        assert "The form is not of this page" in text_of(answer)
    assert site.host.events("a") == []


def test_the_mark_of_one_visitor_is_not_that_of_another(site: Site) -> None:
    other = Site(site.host, type(site.client)(site.client.application), site.source)
    marks = {each.get("/runs").text.partition('name="mark" value="')[2][:64] for each in (site, other)}
    assert len(marks) == 2


def test_a_token_is_needed_once_and_becomes_a_cookie(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), token="secret-token")
    refused = site.get("/runs")
    assert refused.status_code == 403
    assert "has a token" in text_of(refused)
    assert site.get("/runs?token=wrong").status_code == 403
    welcome = site.get("/runs?token=secret-token&status=failed")
    assert (welcome.status_code, welcome.location) == (303, "/runs?status=failed")
    assert "HttpOnly" in welcome.headers["Set-Cookie"]
    assert "SameSite=Lax" in welcome.headers["Set-Cookie"]
    assert site.get("/runs").status_code == 200


def test_consoles_on_two_ports_have_cookies_of_their_own(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), token="secret-token")
    for port in (8001, 8002):
        welcome = site.client.get("/runs?token=secret-token", base_url=f"http://localhost:{port}")
        assert f"tarry_console_{port}=" in welcome.headers["Set-Cookie"]


def test_no_action_is_done_without_the_token(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), token="secret-token")
    answer = site.client.post("/send", data={"name": "a"}, base_url="http://localhost")
    assert answer.status_code == 403


def test_a_link_of_another_site_makes_no_query_that_costs_and_no_scan(tarry_host: MakeHost) -> None:
    asked: list[str] = []

    def ask(sql: str) -> Any:
        asked.append(sql)
        raise PageError(400, "no")

    site = Site.of(tarry_host(make_app()), ask=ask, is_local=False)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert site.get("/sql?sql=select+1", **elsewhere).status_code == 200
    assert "Events of every name need a scan" in text_of(site.get("/events?scan=1", **elsewhere))
    assert "Without its name" in text_of(site.get("/events/e?scan=1", **elsewhere))
    assert asked == []
    site.get("/sql?sql=select+1")
    assert asked == ["select 1"]


def test_each_answer_allows_no_inline_script_no_frame_and_no_other_host(site: Site) -> None:
    for path in ("/runs", "/nothing", "/console/static/console.js", "/runs/NONE"):
        policy = site.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert site.get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_a_console_that_only_reads_does_nothing_and_says_so_at_each_button(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), read_only=True)
    site.host.send("order/placed", {"id": 7, "total": 1})
    run = site.host.run("order").id
    assert "this console only reads" in site.page(f"/runs/{run}")
    actions = [
        (f"/runs/{run}/cancel", {}),
        (f"/runs/{run}/retry", {}),
        (f"/runs/{run}/rerun", {}),
        ("/runs/many", {"verb": "cancel", "run": run}),
        ("/send", {"name": "order/paid", "data": '{"id": 7, "amount": 1}'}),
        ("/signal", {"name": "go"}),
        ("/functions/control", {"function": "order", "do": "pause"}),
        ("/dead-letters/events/redrive", {}),
        ("/clock", {"by": "1d"}),
    ]
    for path, fields in actions:
        answer = site.post(path, **fields)
        assert answer.status_code == 403, path
        assert "this console only reads" in text_of(answer)
    site.host.cloud.pump()
    assert site.host.run("order").status == "running"


def test_what_a_role_may_not_do_is_disabled_with_the_missing_permission(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), permitted=lambda action: action != "sqs:SendMessage")
    site.host.send("order/placed", {"id": 7, "total": 1})
    run = site.host.run("order").id
    text = site.get(f"/runs/{run}").text
    assert '<button type="button" disabled title="your role lacks sqs:SendMessage">Cancel</button>' in text
    assert site.post(f"/runs/{run}/cancel").status_code == 403
    assert site.post("/send", name="a").status_code == 303
