"""The console's pages and actions, asked without a browser."""

import json
from typing import Any

import pytest

import tarry
from tarry_dev.console.visit import path_of
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import Site, make_app, text_of

HOSTILE = "<script>alert(1)</script>\"'&{{7*11111}}\u202e"


@pytest.fixture
def site(tarry_host: MakeHost) -> Site:
    return Site.of(tarry_host(make_app()))


def order(site: Site, total: int = 100, number: Any = 7) -> str:
    """The id of the run of a new order."""
    site.host.send("order/placed", {"id": number, "total": total})
    return site.host.run("order").id


def test_a_run_says_what_it_waits_for_with_its_own_values_and_until_when(site: Site) -> None:
    run = order(site)
    page = site.page(f"/runs/{run}")
    assert "Waits for order/paid where data.id = 7 and data.amount >= 100, until Thursday" in page
    assert f"order {run[:8]}" in page
    assert "charge" in page
    assert '{"charged": 100}' in page


def test_the_first_page_leads_to_the_runs_and_a_run_is_found_by_the_beginning_of_its_id(site: Site) -> None:
    run = order(site)
    assert site.get("/").location == "/runs"
    assert site.get(f"/runs?text={run[:8].lower()}").location == f"/runs/{run}"


def test_an_empty_console_says_what_to_do_next(site: Site) -> None:
    assert "Nothing has run yet" in site.page("/runs")
    assert "Send order/placed" in site.page("/runs")
    assert "No run waits for an event" in site.page("/waits")
    assert "There is no dead letter" in site.page("/dead-letters")


def test_the_awaited_event_is_sent_from_a_form_that_is_filled_in(site: Site) -> None:
    run = order(site)
    form = path_of("send", run=run, step="wait-for-payment")
    page = site.page(form)
    assert "which waits at wait-for-payment for order/paid where data.id = 7" in page
    assert '"id": 7' in page
    answer = site.post("/send", form, name="order/paid", data='{"id": 7, "amount": 100}', run=run)
    assert answer.location == f"/runs/{run}"
    site.host.cloud.pump()
    assert site.host.run("order").output == {"id": 7, "amount": 100}
    assert "order/paid is sent." in site.get(answer.location).text


def test_the_awaited_signal_is_sent_too(site: Site) -> None:
    site.host.send("digest/asked", {"size": 11})
    run = site.host.run("digest").id
    assert "Send the signal go" in site.page(f"/runs/{run}")
    site.post("/signal", path_of("send", run=run, step="wait-to-go"), name="go", data='{"by": "ada"}', run=run)
    site.host.cloud.pump()
    assert site.host.run("digest").output == {"by": "ada"}


def test_an_event_shows_the_conditions_that_it_did_not_meet_with_both_values(site: Site) -> None:
    order(site)
    site.host.send("order/paid", {"id": "7", "amount": 100})
    [received] = site.host.events("order/paid")
    page = site.page(path_of("events", received.id, name="order/paid", source="tarry.shop"))
    assert "It started no run, and resumed none" in page
    assert "does not hold: async.data.id == event.data.id" in page
    assert "async.data.id is '7' string event.data.id is 7 int" in page
    assert "holds: async.data.amount >= event.data.total" in page


def test_an_event_shows_what_it_started_and_resumed(site: Site) -> None:
    run = order(site)
    site.host.send("order/paid", {"id": 7, "amount": 100})
    placed, paid = (site.host.events(f"order/{name}")[0] for name in ("placed", "paid"))
    started = site.page(path_of("events", placed.id, name=placed.name, source=placed.source))
    resumed = site.page(path_of("events", paid.id, name=paid.name, source=paid.source))
    assert f"started order {run[:8]} now ✓ finished" in started
    assert f"resumed order {run[:8]} at wait-for-payment" in resumed


def test_a_failed_run_shows_its_error_with_its_place_and_goes_on_by_a_retry(site: Site) -> None:
    run = order(site, total=950)
    page = site.page(f"/runs/{run}")
    assert "NonRetriableError: the card is refused for 950" in page
    assert "console_site.py line" in page
    answer = site.post(f"/runs/{run}/retry", f"/runs/{run}")
    assert answer.location == f"/runs/{run}"
    site.host.cloud.pump()
    assert site.host.run("order").status == "failed"
    assert "Life 1 failed" in site.page(f"/runs/{run}")


def test_a_run_is_cancelled_once_and_then_there_is_nothing_to_cancel(site: Site) -> None:
    run = order(site)
    assert site.post(f"/runs/{run}/cancel", f"/runs/{run}").status_code == 303
    site.host.cloud.pump()
    assert site.host.run("order").status == "cancelled"
    again = site.post(f"/runs/{run}/cancel", f"/runs/{run}")
    assert (again.status_code, "already cancelled" in text_of(again)) == (409, True)


def test_a_rerun_takes_another_event_and_says_of_which_run_it_is(site: Site) -> None:
    run = order(site, total=950)
    form = f"/runs/{run}/rerun"
    assert '"total": 950' in site.page(form)
    answer = site.post(form, form, data='{"id": 7, "total": 1}', step="")
    site.host.cloud.pump()
    assert answer.location != f"/runs/{run}"
    page = site.page(str(answer.location))
    assert f"It is the rerun of run {run[:8]}" in page
    assert "data.amount >= 1" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("status=failed", {2}),
        ("status=running&function=order", {0, 1}),
        ("text=refused", {2}),
        ("if=event.data.total > 150", {1, 2}),
        ("since=1h", {0, 1, 2}),
        ("since=2020-01-01T00:00&until=2020-01-02T00:00", set()),
        ("function=digest", set()),
    ],
)
def test_the_runs_are_filtered_by_what_stands_in_the_url(site: Site, query: str, shown: set[int]) -> None:
    runs = [order(site, total, number) for number, total in enumerate((100, 200, 950))]
    text = site.get("/runs?" + query.replace(" ", "%20").replace(">", "%3E")).text
    assert {place for place, run in enumerate(runs) if f"run-{run}" in text} == shown


def test_a_filter_that_is_wrong_says_what_is_right(site: Site) -> None:
    for query, said in (
        ("since=yesterday", "is not a time"),
        ("status=lost", "There is no status"),
        ("if=data", "data"),
    ):
        answer = site.get(f"/runs?{query}")
        assert answer.status_code == 400
        assert said in text_of(answer)


def test_runs_come_page_by_page(site: Site) -> None:
    runs = {order(site, 1, number) for number in range(30)}
    first = site.get("/runs").text
    following = first.partition("cursor=")[2].partition('"')[0]
    second = site.get(f"/runs?cursor={following}").text
    shown = [{run for run in runs if f"run-{run}" in text} for text in (first, second)]
    assert (len(shown[0]), shown[0] | shown[1], shown[0] & shown[1]) == (25, runs, set())


def test_runs_that_a_pause_holds_back_are_counted(site: Site) -> None:
    site.post("/functions/control", "/functions", function="order", do="pause")
    site.host.advance("20s")
    run = order(site)
    assert "held back 1" in site.page("/functions")
    assert "It waits for its turn: 0 runs are before it" in site.page(f"/runs/{run}")


def test_a_run_of_many_steps_shows_the_last_ones_and_all_if_asked(tarry_host: MakeHost) -> None:
    app = tarry.App("shop")

    @app.create_function(fn_id="loop", trigger=tarry.TriggerEvent("loop"))
    async def loop(ctx: tarry.Context) -> None:
        for number in range(250):
            await ctx.step.run(f"turn-{number}", str, number)

    site = Site.of(tarry_host(app))
    site.host.send("loop", {})
    run = site.host.run("loop").id
    page = site.page(f"/runs/{run}")
    assert "250 steps" in page
    assert "50 earlier steps are left out" in page
    assert ("turn-49 " in page, "turn-50 " in page) == (False, True)
    assert "turn-49 " in site.page(f"/runs/{run}?all=1")


def test_a_run_of_a_batch_names_the_events_that_started_it(tarry_host: MakeHost) -> None:
    app = tarry.App("shop")

    @app.create_function(fn_id="many", trigger=tarry.TriggerEvent("one"), batch_events=tarry.Batch(2, "1m"))
    async def many(ctx: tarry.Context) -> int:
        return len(ctx.events)

    site = Site.of(tarry_host(app))
    for number in range(2):
        site.host.send(tarry.Event("one", {"n": number}, f"e-{number}"))
    page = site.page(f"/runs/{site.host.run('many').id}")
    assert "A batch of 2 events: one e-0 , one e-1" in page


def test_the_data_of_an_event_are_whole_at_their_own_address(site: Site) -> None:
    site.host.send("order/placed", {"id": 7, "total": 1, "text": "long" * 1000})
    [event] = site.host.events("order/placed")
    answer = site.get(path_of("events", event.id, name=event.name, source=event.source, whole="1"))
    assert json.loads(answer.text)["text"] == "long" * 1000


def test_many_runs_are_shown_before_anything_is_done_to_them(site: Site) -> None:
    runs = [order(site, 1, number) for number in range(3)]
    preview = "/runs/many?verb=cancel&text=order"
    assert "Cancel 3 running runs?" in site.page(preview)
    assert site.host.run("order").status == "running"
    mark_page = site.get(preview).text
    assert all(f'value="{run}" checked' in mark_page for run in runs)
    site.post("/runs/many", preview, verb="cancel", run=runs[0])
    site.host.cloud.pump()
    assert sorted(each.status for each in site.host.runs()) == ["cancelled", "running", "running"]


def test_waits_are_listed_with_what_each_one_is_for(site: Site) -> None:
    run = order(site)
    page = site.page("/waits")
    assert "order/paid where data.id = 7 and data.amount >= 100" in page
    assert f"order {run[:8]} at wait-for-payment" in page
    assert "No run waits" in site.page("/waits?name=other")


def test_functions_show_their_triggers_failures_and_durations(site: Site) -> None:
    order(site, total=950)
    page = site.page("/functions")
    assert "starts with order/placed" in page
    assert "failed 1" in page
    assert "if event.data.size > 10" in page
    assert "at most 100 at work" in page


def test_a_function_pauses_and_goes_on(site: Site) -> None:
    site.post("/functions/control", "/functions", function="order", do="pause")
    assert "paused" in site.page("/functions")
    site.post("/functions/control", "/functions", function="order", do="resume")
    assert "paused" not in site.page("/functions")
    site.post("/functions/control", "/functions", function="order", do="drain")
    assert "draining" in site.page("/functions")
    refused = site.post("/functions/control", "/functions", function="digest", do="pause")
    assert "has no limit" in text_of(refused)


def test_the_page_of_events_lists_those_of_a_name(site: Site) -> None:
    order(site)
    assert '{"id": 7, "total": 100}' in site.page("/events?name=order/placed")
    assert "No event other/name came" in site.page("/events?name=other/name")


def test_a_dead_letter_is_looked_at_and_put_back(site: Site) -> None:
    queue = site.host.cloud.settings.events_queue
    site.host.cloud.clients.sqs.send_message(QueueUrl=queue, MessageBody="no event")
    site.host.advance("1h")
    assert "events 1 dead letter" in site.page("/dead-letters")
    assert "unreadable" in site.page("/dead-letters?look=events")
    site.host.advance("1m")
    answer = site.post("/dead-letters/events/redrive", "/dead-letters")
    assert answer.location == "/dead-letters"
    assert "events none" in site.page("/dead-letters")


def test_a_value_is_cut_on_the_page_and_whole_at_its_own_address(site: Site) -> None:
    site.host.send("order/placed", {"id": 7, "total": 1, "text": "long" * 1000})
    run = site.host.run("order").id
    assert "longlong" * 200 not in site.get(f"/runs/{run}").text
    whole = site.get(f"/runs/{run}/value?what=event")
    assert whole.content_type == "text/plain; charset=utf-8"
    assert json.loads(whole.text)["text"] == "long" * 1000


def test_what_an_event_holds_is_never_markup_and_never_hides(site: Site) -> None:
    site.host.send("order/placed", {"id": HOSTILE, "total": 1, HOSTILE: HOSTILE})
    site.host.send(HOSTILE, {"x": HOSTILE})
    run = site.host.run("order").id
    [event] = site.host.events(HOSTILE)
    pages = [
        "/runs",
        f"/runs/{run}",
        f"/runs/{run}/rerun",
        "/waits",
        path_of("events", name=HOSTILE),
        path_of("events", event.id, name=HOSTILE, source="tarry.shop"),
        path_of("send", run=run, step="wait-for-payment"),
        path_of("send", name=HOSTILE),
    ]
    for page in pages:
        text = site.get(page).text
        assert "<script>alert" not in text, page
        assert "\u202e" not in text, page
        assert "77777" not in text, page


def test_a_page_that_has_not_changed_is_not_sent_again(site: Site) -> None:
    run = order(site)
    first = site.get(f"/runs/{run}")
    same = site.get(f"/runs/{run}", **{"X-Console-Seen": first.headers["X-Console-Seen"]})
    assert same.status_code == 204
    site.host.send("order/paid", {"id": 7, "amount": 100})
    changed = site.get(f"/runs/{run}", **{"X-Console-Seen": first.headers["X-Console-Seen"]})
    assert changed.status_code == 200
    assert changed.text.startswith("<main")
    assert "finished" in changed.text


def test_an_unknown_run_event_and_page_are_not_found(site: Site) -> None:
    for path in ("/runs/NONE", "/events/none?name=order/paid", "/nothing", "/console/static/../app.py"):
        assert site.get(path).status_code == 404


def test_the_theme_that_a_reader_chooses_stays(site: Site) -> None:
    assert 'data-theme="dark"' not in site.get("/runs").text
    answer = site.post("/theme", theme="dark", back="//elsewhere.test")
    assert answer.location == "/runs"
    assert 'data-theme="dark"' in site.get("/runs").text


def test_a_console_without_scans_says_where_it_would_read_the_whole_table(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()), is_local=False)
    order(site)
    [event] = site.host.events("order/placed")
    assert "Events of every name need a scan" in site.page("/events")
    assert "Without its name, the whole table has to be read" in site.page(path_of("events", event.id))
    assert "started order" in site.page(path_of("events", event.id, scan="1"))


def test_the_console_works_below_a_path(tarry_host: MakeHost) -> None:
    site = Site.of(tarry_host(make_app()))
    answer = site.client.get("/runs", base_url="http://localhost/ops/tarry")
    assert 'href="/ops/tarry/waits"' in answer.text
    assert 'src="/ops/tarry/console/static/console.js' in answer.text
