"""What a command asks of ``tarry dev`` over HTTP is what the store says."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

import tarry
from tarry_backend.api.asked_event import AskedEvent
from tarry_backend.clock import now
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_dev.cli.dev_lookups import DevLookups
from tarry_dev.cli.errors import CommandError
from tarry_dev.cloud import Cloud, RealClock
from tarry_dev.lookups import StoreLookups
from tests.functional.serving import eventually

app = tarry.App("shop")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed", expression="event.data.id > 0"))
async def order(ctx: tarry.Context) -> object:
    """Waits for its payment, and for a signal."""
    await ctx.step.run("reserve", dict)
    paid = partial(ctx.step.wait_for_event, "paid", event="order/paid", match="data.id", timeout="1d")
    approved = partial(ctx.step.wait_for_signal, "approved", signal=f"approval-{ctx.event.data['id']}", timeout="1d")
    await ctx.group.race([paid, approved])
    return "ended"


@dataclass(frozen=True)
class Served:
    """The app's cloud, asked both ways."""

    cloud: Cloud
    url: str
    dev: DevLookups
    store: StoreLookups


@pytest.fixture
def shop() -> Iterator[Served]:
    with Cloud(app, clock=RealClock()) as cloud, cloud.serve() as server:
        deployment = Deployment(app.id, tuple(app.functions), cloud.settings, {}, facts_of(app))
        store = StoreLookups(deployment, runtime().store, cloud.functions["signals"].function_name)
        served = Served(cloud, server.url, DevLookups(server.url), store)
        served.dev.send([tarry.Event("order/placed", {"id": number}, f"order-{number}") for number in (1, 2, 3)])
        eventually(lambda: len(served.dev.open_waits(10)) == 6)
        yield served


def newest(shop: Served) -> list[str]:
    return [each.run.id for each in shop.store.newest_runs(["order"], list(RunStatus), 10)]


def test_each_lookup_has_the_same_answer_over_http(shop: Served) -> None:
    [run_id, *_], moment = newest(shop), now()
    received = shop.store.events_of_id("order-1", "order/placed", moment - 60_000, moment)[0]
    on_page = bool
    calls: list[tuple[str, Any]] = [
        ("run", (run_id,)),
        ("run", ("01ARZ3NDEKTSV4RRFFQ69G5FAV",)),
        ("snapshot", (run_id,)),
        ("newest_runs", (["order"], [RunStatus.RUNNING], 2)),
        ("run_ids", (["order"], run_id[:3])),
        ("running", ("order", 0, moment, 2)),
        ("open_waits", (4,)),
        ("events_of_id", ("order-1", "order/placed", moment - 60_000, moment)),
        ("receipt", (received,)),
    ]
    for name, given in calls:
        ours, theirs = getattr(shop.store, name)(*given), getattr(shop.dev, name)(*given)
        assert (name, theirs) == (name, ours)
        assert repr(theirs) == repr(ours)
    listed = shop.store.newest_events(None, moment - 60_000, moment, 2, on_page)
    assert len(listed) == 2
    assert shop.dev.newest_events(None, moment - 60_000, moment, 2, on_page) == listed
    asked = AskedEvent("order-2", "order/placed")
    assert shop.dev.event(asked, "1h", on_page) == shop.store.event(asked, "1h", on_page) is not None


def test_an_event_an_entry_a_signal_and_a_cancel_reach_the_app(shop: Served) -> None:
    third, second, first = sorted(newest(shop), key=lambda run_id: -_number(shop, run_id))
    shop.dev.put([{"Source": "bank", "DetailType": "order/paid", "Detail": json.dumps({"data": {"id": 1}})}])
    receipt = shop.dev.signal("approval-2", {"by": "Ada"}, None, None)
    shop.dev.cancel([third])
    assert receipt.run_id == second
    assert eventually(lambda: _status(shop, second)) is RunStatus.FINISHED
    assert eventually(lambda: _status(shop, third)) is RunStatus.CANCELLED
    assert shop.dev.run(first) is not None


def _number(shop: Served, run_id: str) -> int:
    run = shop.dev.run(run_id)
    assert run is not None
    return int(run.event.data["id"])


def _status(shop: Served, run_id: str) -> RunStatus | None:
    run = shop.dev.run(run_id)
    return None if run is None or run.status is RunStatus.RUNNING else run.status


def test_what_the_app_refuses_is_said_in_its_words(shop: Served) -> None:
    with pytest.raises(CommandError, match="tarry/"):
        shop.dev.send([tarry.Event("tarry/own")])


def test_nothing_but_the_lookups_can_be_called(shop: Served) -> None:
    for name in ("_put", "__class__", "store", "none"):
        with pytest.raises(CommandError, match=r"another version than this command \(404\)"):
            shop.dev._ask(name)


class _Older(BaseHTTPRequestHandler):
    """Another version's answer: a run with a field that this one does not know."""

    def do_POST(self) -> None:
        body = json.dumps({"answer": {"data": "Position", "fields": {"later": 1}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Writes no line for each request."""


def test_a_tarry_dev_of_another_version_is_named_as_such() -> None:
    with HTTPServer(("127.0.0.1", 0), _Older) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(CommandError, match="of another version than this command"):
            DevLookups(f"http://127.0.0.1:{server.server_port}").run("01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_a_tarry_dev_that_has_ended_is_named_as_such() -> None:
    with pytest.raises(CommandError, match="ended before it answered"):
        DevLookups("http://127.0.0.1:1").run("01ARZ3NDEKTSV4RRFFQ69G5FAV")
