"""What answers is slow, broken, another program, or signs nothing: an attempt that failed, and never a result."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from tarry import Event
from tarry_backend.remote import inquiry
from tarry_dev.cloud import Cloud, Host, MovedClock
from tarry_dev.cloud.remote_apps import RemoteApps
from tests.functional.remote.impostor import Impostor, Reply, step_of
from tests.functional.remote.stage import KEY

DONE = Reply(200, '"done"')


@contextmanager
def hosted(app: Impostor, key: str | None = None) -> Iterator[Host]:
    remote = RemoteApps((app.url,), key=key)
    with Cloud(remote.app, clock=MovedClock(datetime.now(UTC)), punctual=True) as cloud:
        [synced] = remote.sync()
        assert synced.why_not is None, synced.why_not
        yield Host(cloud)


def after(*replies: Reply) -> Any:
    """Answer with these, one after the other, and with the last one for ever."""
    numbers = count()
    return lambda _: replies[min(next(numbers), len(replies) - 1)]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (Reply(200, "<html>", {}), "is not an Inngest SDK: status 200"),
        (Reply(200, "all is well", {"server": "proxy"}), "is not an Inngest SDK"),
        (Reply(206, "no JSON"), "is no JSON"),
        (Reply(206, {"op": "StepRun"}), "no list of operations"),
        (Reply(206, [{"op": "StepRun", "data": 1}]), "has the id"),
        (Reply(206, [{"id": "x" * 40, "op": "Teleport"}]), "Teleport"),
        (Reply(302, "", {"location": "http://127.0.0.1:9/"}), "is not an Inngest SDK: status 302"),
        (Reply(401, {}), "INNGEST_SIGNING_KEY"),
        (Reply(503, "later"), "answers what Tarry does not know: status 503"),
    ],
)
def test_a_strange_answer_is_an_attempt_that_failed(bad: Reply, told: str) -> None:
    with Impostor([step_of("fake-fn", "x/y")], after(bad, DONE)) as app, hosted(app) as host:
        host.send("x/y")
        run = host.run()
        assert run.status == "running"
        assert told in str(run)
        host.advance("1m")
        assert host.result() == "done"


def test_an_app_that_is_down_is_asked_again() -> None:
    with Impostor([step_of("fake-fn", "x/y")], after(DONE)) as app, hosted(app) as host:
        app.go_down()
        host.send("x/y")
        assert "no answer" in str(host.run())
        app.come_up()
        host.advance("1m")
        assert host.result() == "done"


def test_a_slow_app_is_an_attempt_that_failed_and_no_death_of_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiry, "_LEAST", 500)
    with Impostor([step_of("fake-fn", "x/y")], after(Reply(200, '"late"', pause=4), DONE)) as app, hosted(app) as host:
        host.cloud.functions["executor"].timeout = 1.5
        host.send("x/y")
        assert "ReadTimeoutError" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"


def test_an_answer_that_nobody_signed_ends_no_run() -> None:
    bad = Reply(200, '"stolen"')
    with (
        Impostor([step_of("fake-fn", "x/y")], after(bad, Reply(200, '"done"', key=KEY)), KEY) as app,
        hosted(app, KEY) as host,
    ):
        host.send("x/y")
        assert "is not signed" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"


def test_an_answer_that_was_signed_six_minutes_ago_ends_no_run() -> None:
    old = Reply(200, '"replayed"', key=KEY, signed_at=int(datetime.now(UTC).timestamp()) - 360)
    with (
        Impostor([step_of("fake-fn", "x/y")], after(old, Reply(200, '"done"', key=KEY)), KEY) as app,
        hosted(app, KEY) as host,
    ):
        host.send("x/y")
        assert "of another time" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"


def test_an_answer_of_another_key_ends_no_run() -> None:
    forged = Reply(200, '"forged"', key=f"{KEY[:-2]}00")
    with (
        Impostor([step_of("fake-fn", "x/y")], after(forged, Reply(200, '"done"', key=KEY)), KEY) as app,
        hosted(app, KEY) as host,
    ):
        host.send("x/y")
        assert "of another key" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"


def test_an_app_that_never_answers_well_fails_its_run_with_the_reason() -> None:
    bad = Reply(200, "<html>", {})
    with Impostor([step_of("fake-fn", "x/y")], after(bad)) as app, hosted(app) as host:
        host.send("x/y")
        host.advance("1d")
        assert host.run().status == "failed"
        assert "is not an Inngest SDK" in str(host.run())
        assert len(app.asked) == 5


def test_go_s_200_to_a_call_for_one_step_does_not_end_the_run() -> None:
    """Two steps are planned; the app then says that it does not have them, as the SDK for Go does."""
    planned = [{"id": f"{number}" * 40, "op": "StepPlanned"} for number in (1, 2)]

    def answer(document: dict[str, Any]) -> Reply:
        step = app.asked[-1]["path"].rpartition("=")[2]
        return (
            Reply(206, planned)
            if step == "step" and len(app.asked) < 4
            else Reply(200, None if step != "step" else '"done"')
        )

    with Impostor([step_of("fake-fn", "x/y")], answer) as app, hosted(app) as host:
        host.send("x/y")
        assert host.run().status == "running"
        assert "does not have it any more" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"


def test_no_request_has_a_field_that_begins_checkpointing() -> None:
    with Impostor([step_of("fake-fn", "x/y")], after(DONE)) as app, hosted(app) as host:
        host.cloud.send(Event("x/y"))
        host.cloud.pump()
        [asked] = app.asked
        assert "fn_id" not in asked["ctx"]
        assert asked["path"] == "/api/inngest?fnId=fake-fn&stepId=step"


def test_two_apps_whose_functions_have_the_same_id_are_not_hosted_together() -> None:
    one, other = step_of("a-b-c", "x/y"), step_of("a-b-c", "x/z")
    with Impostor([one], after(DONE)) as app, Impostor([other], after(DONE), app_id="a-b") as second:
        remote = RemoteApps((app.url, second.url))
        with Cloud(remote.app):
            first, refused = remote.sync()
            assert first.why_not is None
            assert "another app has function 'a-b-c': fake" in (refused.why_not or "")


def test_an_app_by_go_signs_no_answer_but_a_wrong_signature_of_it_ends_no_run() -> None:
    forged = Reply(200, '"forged"', key=f"{KEY[:-2]}00")
    replies = after(forged, Reply(200, '"done"'))
    with Impostor([step_of("fake-fn", "x/y")], replies, KEY, sdk="inngest-go:v0.16.0") as app, hosted(app, KEY) as host:
        host.send("x/y")
        assert "of another key" in str(host.run())
        host.advance("1m")
        assert host.result() == "done"
