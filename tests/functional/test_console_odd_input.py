"""Odd addresses and forms: the console says what is wrong with them, and never fails over them."""

from urllib.parse import quote

import pytest

from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import Site, make_app, text_of

ODD = (
    *(
        "",
        "0",
        "-1",
        "1e400",
        "1" * 5_000,
        "\x00",
        "\ud800",
        "\u202e",
        "🦄",
        "%",
        "'",
        "<a>",
        "../..",
        "a/b",
        "{{x}}",
        "[",
    ),
    *("null", "9" * 40 + "d", "9999-12-31T23:59:59", "1-A", "x" * 600),
)

ADDRESSES = (
    *("/runs?function={}", "/runs?status={}", "/runs?since={}", "/runs?until={}", "/runs?text={}", "/runs?if={}"),
    *("/runs?cursor={}", "/runs/{}", "/runs/{}/rerun", "/runs/many?verb={}", "/runs/many?verb=cancel&since={}"),
    *("/events?name={}", "/events?back={}", "/events/{}", "/events/e?name={}", "/events/e?name=a&source={}"),
    *("/waits?name={}", "/send?name={}", "/send?run={}", "/dead-letters?look={}", "/sql?sql={}", "/{}", "/theme?{}"),
    *("/runs/RUN/value?what={}", "/runs/RUN/value?what=output&step={}", "/send?run=RUN&step={}", "/console/static/{}"),
    *("/send?run=RUN&step=wait-for-payment&place={}", "/runs/RUN?log={}", "/runs/RUN/rerun?step={}"),
)

FORMS = (
    ("/send", ("name", "data", "id", "user", "run")),
    ("/signal", ("name", "data", "run")),
    ("/runs/RUN/rerun", ("step", "data", "nonce")),
    ("/runs/RUN/retry", ("step",)),
    ("/runs/many", ("verb", "run", "since")),
    ("/functions/control", ("function", "do", "limit", "of")),
    ("/dead-letters/{}/redrive", ()),
    ("/clock", ("by", "next")),
    ("/theme", ("theme", "back")),
)


@pytest.fixture
def site(tarry_host: MakeHost) -> Site:
    site = Site.of(tarry_host(make_app()))
    site.host.send("order/placed", {"id": 7, "total": 1})
    return site


def test_no_odd_address_fails(site: Site) -> None:
    run = site.host.run("order").id
    for address in ADDRESSES:
        for odd in ODD:
            asked = address.replace("RUN", run).format(quote(odd, safe="", errors="surrogatepass"))
            answer = site.get(asked)
            assert answer.status_code < 500, (asked[:200], text_of(answer)[-300:])


def test_no_odd_form_fails(site: Site) -> None:
    run = site.host.run("order").id
    for path, fields in FORMS:
        for name in fields or ("x",):
            for odd in (each for each in ODD if each != "\ud800"):  # no form can carry it
                given = {"name": "a/b", "verb": "retry", "function": "order", "do": "limit", "data": "{}", name: odd}
                answer = site.post(
                    path.replace("RUN", run).format(quote(odd, safe="", errors="surrogatepass")), **given
                )
                assert answer.status_code < 500, (path, name, odd[:80], text_of(answer)[-300:])


def test_odd_headers_do_not_fail(site: Site) -> None:
    for name in ("Host", "Origin", "Cookie", "X-Console-Seen", "Sec-Fetch-Site", "Accept", "Content-Type"):
        for odd in ("", "[", "http://[::1", "a" * 9_000, "é", "tarry_visitor=é", "tarry_theme=x; tarry_done=%ff", "."):
            answer = site.client.get("/runs", headers={"Host": "localhost", name: odd})
            assert answer.status_code < 500, (name, odd[:50])
