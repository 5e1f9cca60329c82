"""The fixtures for tests of apps: what a user's test can see and do."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry.errors import UsageError
from tarry_dev.cloud import Host, NoResultError
from tarry_dev.pytest_plugin import MakeCloud, MakeHost

pytest_plugins = ["pytester"]

app = App("shop")


@app.create_function(fn_id="onboarding", trigger=TriggerEvent(event="app/account.created"))
async def onboarding(ctx: Context) -> str:
    email = ctx.event.data["email"]
    await ctx.step.run("send-welcome-email", "{}: welcome".format, email)
    completed = await ctx.step.wait_for_event(
        "wait-for-onboarding",
        event="app/onboarding.completed",
        if_exp="async.data.userId == event.data.userId",
        timeout=timedelta(days=3),
    )
    if completed is None:
        await ctx.step.run("send-nudge-email", "{}: nudge".format, email)
        return "nudged"
    return f"onboarded by {completed.data['by']}"


@app.create_function(fn_id="failing", trigger=TriggerEvent(event="app/fail"), retries=1, backoff=["1m"])
def failing(ctx: ContextSync) -> None:
    ctx.step.run("charge", charge)


@app.create_function(fn_id="relay", trigger=TriggerEvent(event="relay/*"))
def relay(ctx: ContextSync) -> None:
    ctx.step.sleep("a-moment", "1h")
    ctx.step.send_event("pass-on", Event("app/relayed", {"name": ctx.event.name}))


def charge() -> NoReturn:
    raise ConnectionError("the bank is shut")


@pytest.fixture
def host(tarry: MakeHost) -> Host:
    return tarry(app)


def test_a_run_is_followed_to_its_end(host: Host) -> None:
    host.send("app/account.created", {"userId": "7", "email": "a@x"})
    run = host.run("onboarding")
    assert (run.status, run.output) == ("running", None)
    assert run.steps["wait-for-onboarding"].status == "waiting"
    host.advance("3d")
    assert (run.status, run.output) == ("finished", "nudged")
    assert list(run.steps) == ["send-welcome-email", "wait-for-onboarding", "send-nudge-email"]
    assert run.steps["send-nudge-email"].output == "a@x: nudge"
    assert run.steps["wait-for-onboarding"].output is None


def test_an_event_that_is_sent_has_its_effect_at_once(host: Host) -> None:
    host.send("app/account.created", {"userId": "7", "email": "a@x"})
    [event_id] = host.send(Event("app/onboarding.completed", {"userId": "7", "by": "mail"}))
    run = host.run("onboarding")
    assert run.output == "onboarded by mail"
    waited = run.steps["wait-for-onboarding"].output
    assert (waited.id, waited.name, waited.source) == (event_id, "app/onboarding.completed", "tarry.shop")


def test_a_deadline_is_over_when_its_time_has_passed_and_not_before(host: Host) -> None:
    host.send("app/account.created", {"userId": "7", "email": "a@x"})
    due = host.run().steps["wait-for-onboarding"].due
    assert due is not None
    host.advance(due - timedelta(seconds=1))
    assert host.run().status == "running"
    host.advance(due)
    assert host.run().status == "finished"
    assert timedelta(0) <= host.now - due <= timedelta(seconds=3)


def test_a_failure_says_what_it_was(host: Host) -> None:
    host.send("app/fail")
    run = host.run("failing")
    step = run.steps["charge"]
    assert (run.status, step.status, step.attempt) == ("running", "retrying", 1)
    assert step.due is not None
    assert timedelta(seconds=60) <= step.due - host.now <= timedelta(seconds=66)
    host.advance("2m")
    assert run.status == "failed"
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("ConnectionError", "the bank is shut")
    assert "in charge" in run.error.stack
    assert run.steps["charge"].status == "failed"


def test_runs_are_listed_in_the_order_of_their_starts(host: Host) -> None:
    host.send([Event("relay/a"), Event("app/fail"), Event("relay/b")])
    assert [run.function_id for run in host.runs()] == ["relay", "failing", "relay"]
    assert [run.event.name for run in host.runs("relay")] == ["relay/a", "relay/b"]
    assert host.run("relay").event.name == "relay/b"
    assert host.runs("onboarding") == []


def test_the_apps_own_events_are_seen(host: Host) -> None:
    host.send("relay/a")
    assert host.events("app/relayed") == []
    host.advance("1h")
    [relayed] = host.events("app/relayed")
    assert relayed.data == {"name": "relay/a"}
    assert [event.name for event in host.events()] == ["relay/a", "app/relayed", "tarry/function.finished"]


def test_events_of_other_services_come_in_their_own_form(host: Host) -> None:
    host.put_events({"Source": "crm", "DetailType": "relay/crm", "Detail": '{"id": 1}'})
    event = host.run("relay").event
    assert (event.source, event.data) == ("crm", {"id": 1})


def test_a_missing_run_is_explained(host: Host) -> None:
    host.send("relay/a")
    with pytest.raises(LookupError, match=r"no run of 'onboarding' .* \['relay'\]; events so far: \['relay/a'\]"):
        host.run("onboarding")


def test_a_run_shows_itself_in_a_failed_assertion(host: Host) -> None:
    host.send("relay/a")
    run = host.run()
    shown = f"<run {run.id} of 'relay', running; a-moment (sleep): sleeping until 2026-01-05 13:00:00>"
    assert repr(run) == shown
    host.send("app/fail")
    host.advance("2m")
    assert "failed, ConnectionError: the bank is shut; charge (run): failed" in repr(host.run("failing"))


def test_time_begins_where_a_test_says(tarry: MakeHost) -> None:
    moment = datetime(2030, 2, 28, 23, 59, 59, tzinfo=UTC)
    host = tarry(app, now=moment)
    assert host.now == datetime.now(UTC) == moment
    host.advance("1d")
    assert host.now == datetime(2030, 3, 1, 23, 59, 59, tzinfo=UTC)


def test_time_begins_at_noon_of_a_day_that_never_changes(host: Host) -> None:
    assert host.now == datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_settings_of_the_stack_are_options(tarry: MakeHost) -> None:
    assert tarry(app, log_days=3).cloud.settings.log_days == 3


def test_one_test_has_one_host(tarry: MakeHost) -> None:
    tarry(app)
    with pytest.raises(UsageError, match="one at a time"):
        tarry(App("other"))


def test_dead_letters_are_seen(host: Host) -> None:
    host.cloud.clients.sqs.send_message(QueueUrl=host.cloud.queues["events"].url, MessageBody="what is this?")
    host.advance("1h")
    assert [letter.body for letter in host.dead_letters] == ["what is this?"]


def test_the_cloud_itself_is_to_be_had(tarry_cloud: MakeCloud) -> None:
    cloud = tarry_cloud(app, max_deliveries=5)
    with cloud.hold("events"):
        cloud.send(Event("relay/a"))
        assert cloud.pump() == 0
    assert cloud.pump() == 2


def test_each_test_has_an_account_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        import pytest

        from tarry import App, TriggerEvent

        app = App("shop")


        @app.create_function(fn_id="greet", trigger=TriggerEvent(event="hello"))
        def greet(ctx):
            return ctx.event.data["name"]


        @pytest.mark.parametrize("name", ["Ada", "Eve"])
        def test_greeting(tarry, name):
            host = tarry(app)
            host.send("hello", {"name": name})
            assert [run.output for run in host.runs()] == [name]


        def test_nothing_stays():
            assert not [name for name in os.environ if name.startswith("TARRY_")]
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=3)


def test_the_plugin_costs_a_session_that_does_not_use_it_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys


        def test_nothing_slow_is_loaded():
            assert "tarry_dev.pytest_plugin" in sys.modules
            assert not {"boto3", "moto", "pynamodb"} & sys.modules.keys()
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_report_of_a_failed_test_has_the_runs_with_their_failed_attempts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import tarry as t

        app = t.App("shop")

        def charge():
            raise ConnectionError("the bank is shut")

        @app.create_function(fn_id="pay", trigger=t.TriggerEvent(event="pay"), retries=4, backoff=["1m"])
        async def pay(ctx):
            await ctx.step.run("charge", charge)

        @app.create_function(fn_id="odd", trigger=t.TriggerEvent(event="odd"), retries=1, backoff=["1m"])
        async def odd(ctx):
            raise KeyError("nothing")

        def test_it_pays(tarry):
            host = tarry(app)
            host.send("pay", {})
            host.send("odd", {})
            assert host.run("pay").status == "finished"
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            r".*Tarry's runs.*",
            r"run \w+ of 'pay', running",
            r"  charge \(run\): retrying, attempt 1 of 5 failed: ConnectionError: the bank is shut "
            r"\(.*test_.*\.py line 6, in charge\); next attempt 2026-01-05 12:01:0.*",
            r"run \w+ of 'odd', running, attempt 1 of 2 failed: KeyError: 'nothing' \(.*line 14, in odd\); next .*",
        ]
    )
    pages = re.findall(r"page of pay \w+: file://(\S+)", str(result.stdout))
    assert "tries again at" in Path(pages[0]).read_text()
    assert "<script" not in Path(pages[0]).read_text()


@app.create_function(fn_id="chain", trigger=TriggerEvent(event="chain/begun"))
async def chain(ctx: Context) -> list[str]:
    def hours() -> str:
        return f"{datetime.now(UTC):%d %H:%M:%S}"

    times: list[str] = []
    for nap in ctx.event.data["naps"]:
        await ctx.step.sleep(f"nap {len(times)}", nap)
        times.append(await ctx.step.run("look at the clock", hours))
    return times


@app.create_function(fn_id="silence", trigger=TriggerEvent(event="silence/begun"))
async def silence(ctx: Context) -> str:
    for hour in range(24):
        await ctx.step.wait_for_event(f"hour {hour}", event="nothing", timeout="1h")
    return f"{datetime.now(UTC):%d %H:%M:%S}"


def test_a_chain_of_sleeps_that_fits_ends_within_the_one_advance_by_a_clock_that_is_right(host: Host) -> None:
    host.send("chain/begun", {"naps": ["1h", "23h"]})
    host.advance("1d")
    assert host.result() == ["05 13:00:00", "06 12:00:00"]


def test_an_hour_of_sleeps_of_a_minute_ends_within_an_hour(host: Host) -> None:
    host.send("chain/begun", {"naps": ["1m"] * 60})
    host.advance("1h")
    assert host.result()[-1] == "05 13:00:00"


def test_a_chain_that_does_not_fit_does_not_end(host: Host) -> None:
    host.send("chain/begun", {"naps": ["1h", "23h", "1s"]})
    host.advance("1d")
    assert [step.status for step in host.run().steps.values()] == ["done", "done", "done", "done", "sleeping"]
    host.advance("1s")
    assert host.run().status == "finished"


def test_a_chain_of_timeouts_that_fits_ends_within_the_one_advance(host: Host) -> None:
    host.send("silence/begun")
    host.advance("1d")
    assert host.result() == "06 12:00:00"


def test_a_result_is_the_output_of_the_one_run_or_of_the_named_one(host: Host) -> None:
    host.send("app/account.created", {"userId": "7", "email": "a@x"})
    host.send("app/onboarding.completed", {"userId": "7", "by": "mail"})
    assert host.result() == "onboarded by mail"
    host.send("chain/begun", {"naps": []})
    assert host.result("chain") == []
    assert host.result(host.run("onboarding")) == "onboarded by mail"


def test_a_result_that_is_not_there_is_an_error_with_the_runs_time_line(host: Host) -> None:
    host.send("app/account.created", {"userId": "7", "email": "a@x"})
    with pytest.raises(NoResultError) as raised:
        host.result()
    run = host.run()
    assert str(raised.value).splitlines() == [
        f"run {run.id} has no result: it still waits",
        f"run {run.id} of 'onboarding', running",
        "  2026-01-05 12:00:00  started by app/account.created",
        '  2026-01-05 12:00:00  send-welcome-email (run): done, "a@x: welcome"',
        "  2026-01-05 12:00:00  wait-for-onboarding (wait): waits for app/onboarding.completed if async.data.userId == "
        "event.data.userId until 2026-01-08 12:00:00",
    ]


def test_the_result_of_a_failed_or_cancelled_run_says_how_it_ended(host: Host) -> None:
    host.send("app/fail")
    with pytest.raises(NoResultError, match=r"charge \(run\): failed \(ConnectionError: .*, and is retried at 2026"):
        host.result()
    host.advance("1h")
    with pytest.raises(
        NoResultError,
        match=r"it has failed\n(.*\n)+.*failed: ConnectionError: the bank is shut \(.*\.py line \d+, in charge\)$",
    ):
        host.result()
    host.send("relay/a")
    host.cancel(host.run("relay"))
    with pytest.raises(NoResultError, match=r"it was cancelled\n(.*\n)+.*cancelled: .*by hand"):
        host.result("relay")


def test_the_result_among_several_runs_asks_which(host: Host) -> None:
    with pytest.raises(LookupError, match="no run has started"):
        host.result()
    host.send([Event("relay/a"), Event("relay/b")])
    with pytest.raises(LookupError, match=r"2 runs have started: give one, .*\n  <run .*\n  <run "):
        host.result("relay")


def test_a_failed_test_shows_the_runs_it_left_and_what_each_waits_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import tarry

        app = tarry.App("shop")


        @app.create_function(fn_id="pay", trigger=tarry.TriggerEvent(event="order/placed"))
        def pay(ctx):
            ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="1h")


        def test_fails(tarry_host):
            assert tarry.__name__ == "tarry"
            host = tarry_host(app)
            host.send("order/placed", {"id": 1})
            assert host.result("pay") == 1


        def test_passes(tarry_host):
            tarry_host(app).send("order/placed", {"id": 2})


        def test_has_no_run(tarry):
            tarry(app)
            assert False
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            ">*assert host.result(*",
            "E *has no result: it still waits",
            "*- Tarry's runs -*",
            "run * of 'pay', running*",
            "  now: paid waits for order/paid if * until 2026-01-05 13:00:00",
            "*- Tarry's runs -*",
            "no run has started",
        ]
    )
    assert str(result.stdout).count("- Tarry's runs -") == 2
    result.stdout.no_fnmatch_line("*self.run(run).result()*")  # the traceback ends in the user's test


def test_a_file_of_events_is_played_as_tarry_demo_plays_it(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lines = [
        {"name": "relay/a"},
        {"advance": "30m"},
        {"Source": "crm", "DetailType": "relay/b", "Detail": {}, "Time": "2026-01-05T14:00:00Z"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    host.play(file)
    assert [(run.event.name, run.event.source, run.status) for run in host.runs()] == [
        ("relay/a", "tarry.shop", "finished"),
        ("relay/b", "crm", "running"),
    ]
    file.write_text('{"name": "relay/c"}\n{"nam": 1}\n')
    with pytest.raises(UsageError, match=r"events.jsonl:2: an event has no field 'nam'"):
        host.play(str(file))
    assert len(host.runs()) == 2
