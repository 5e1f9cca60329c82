"""``TriggerCron`` on the embedded cloud: each time starts the function once, by the clock on the wall."""

import json
import time
from datetime import UTC, datetime

import pytest

from tarry import App, Context, ContextSync, TriggerCron, TriggerEvent
from tarry_backend.events.schedules import Schedule
from tarry_dev.cloud import Cloud, Host, RealClock
from tarry_dev.cloud.schedules import Schedules
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.contract.diary import Diary

DAILY = TriggerCron("0 9 * * *")


def add_async(app: App, *triggers: TriggerCron | TriggerEvent) -> None:
    @app.create_function(fn_id="report", trigger=list(triggers))
    async def report(ctx: Context) -> str:
        return str(ctx.event.data.get("scheduled_for"))


def add_sync(app: App, *triggers: TriggerCron | TriggerEvent) -> None:
    @app.create_function(fn_id="report", trigger=list(triggers))
    def report(ctx: ContextSync) -> str:
        return str(ctx.event.data.get("scheduled_for"))


def outputs(host: Host) -> list[str]:
    assert host.dead_letters == []
    return [run.output for run in host.runs("report")]


@pytest.mark.parametrize("add", [add_async, add_sync], ids=lambda add: add.__name__)
def test_a_day_starts_a_daily_function_once_at_its_time(app: App, host: Host, add: type) -> None:
    add(app, DAILY)
    host.advance("20h")
    assert outputs(host) == []
    host.advance("4h")
    assert outputs(host) == ["2026-01-06T09:00:00Z"]
    host.advance("2d")
    assert outputs(host) == ["2026-01-06T09:00:00Z", "2026-01-07T09:00:00Z", "2026-01-08T09:00:00Z"]


def test_the_run_sees_the_event_of_its_time(app: App, host: Host) -> None:
    @app.create_function(fn_id="report", trigger=DAILY)
    async def report(ctx: Context) -> object:
        return [ctx.event.name, ctx.event.id, ctx.event.ts, ctx.event.source, dict(ctx.event.data)]

    host.advance(datetime(2026, 1, 6, 9, tzinfo=UTC))
    nine = int(datetime(2026, 1, 6, 9, tzinfo=UTC).timestamp()) * 1000
    data = {"cron": "0 9 * * *", "scheduled_for": "2026-01-06T09:00:00Z", "_tarry": {"function_id": "report"}}
    name, event_id, ts, source, seen = host.run("report").output
    assert (name, event_id, source, seen) == (
        "tarry/scheduled.timer",
        "report-0-2026-01-06T09:00:00Z",
        "tarry.shop",
        data,
    )
    assert ts == nine


@pytest.mark.parametrize(
    ("now", "cron", "expected"),
    [
        (datetime(2026, 3, 27, 12, tzinfo=UTC), "0 9 * * *", ["28T08:00", "29T07:00", "30T07:00"]),
        (datetime(2026, 3, 27, 12, tzinfo=UTC), "30 2 * * *", ["28T01:30", "30T00:30"]),
        (datetime(2026, 10, 23, 12, tzinfo=UTC), "30 2 * * *", ["24T00:30", "25T00:30", "26T01:30"]),
    ],
    ids=["nine in the morning", "left out when clocks go forward", "once when clocks go back"],
)
def test_times_are_those_of_the_clock_on_the_wall(
    tarry: MakeHost, app: App, now: datetime, cron: str, expected: list[str]
) -> None:
    add_async(app, TriggerCron(cron, "Europe/Berlin"))
    host = tarry(app, now=now)
    host.advance("3d")
    assert [output[8:16] for output in outputs(host)] == expected


def test_a_day_that_either_field_means_starts_it_once(app: App, host: Host) -> None:
    add_async(app, TriggerCron("0 9 9 * FRI"))
    host.advance("7d")
    assert outputs(host) == ["2026-01-09T09:00:00Z"], "the 9th is a Friday"


def test_a_function_has_several_crons_and_events(app: App, host: Host) -> None:
    add_async(app, DAILY, TriggerCron("30 17 * * *"), TriggerEvent("report/asked"))
    host.send("report/asked")
    host.advance("1d")
    assert outputs(host) == ["None", "2026-01-05T17:30:00Z", "2026-01-06T09:00:00Z"]


def test_only_the_function_of_the_schedule_is_started(app: App, host: Host, diary: Diary) -> None:
    add_async(app, DAILY)

    @app.create_function(fn_id="other", trigger=[TriggerCron("0 10 * * *"), TriggerEvent("*")])
    async def other(ctx: Context) -> None:
        await diary.write(ctx.event.data["scheduled_for"])

    host.advance("21h30m")
    assert (outputs(host), diary.entries) == (["2026-01-06T09:00:00Z"], [])
    host.advance("1h")
    assert diary.entries == ["2026-01-06T10:00:00Z"]


def test_a_schedule_that_delivers_twice_starts_one_run(app: App, host: Host) -> None:
    add_async(app, DAILY)
    detail = json.dumps(Schedule("report", 0, DAILY).detail("2026-01-06T09:00:00Z"))
    entry = {"Source": "tarry.shop", "DetailType": "tarry/scheduled.timer", "Detail": detail}
    host.advance("21h30m")
    host.cloud.put_events([entry, entry])  # type: ignore[list-item]
    host.cloud.pump()
    assert (outputs(host), host.dead_letters) == (["2026-01-06T09:00:00Z"], [])


def test_nobody_else_puts_events_in_the_name_of_a_schedule(app: App, host: Host) -> None:
    add_async(app, DAILY)
    detail = json.dumps(Schedule("report", 0, DAILY).detail("2026-01-06T09:00:00Z")["data"])
    host.put_events({"Source": "shop", "DetailType": "tarry/scheduled.timer", "Detail": detail})
    assert outputs(host) == []


def test_jitter_starts_it_within_its_window_for_the_time_of_the_schedule(app: App, host: Host) -> None:
    started: list[float] = []

    @app.create_function(fn_id="report", trigger=TriggerCron("0 9 * * *", jitter="30m"))
    async def report(ctx: Context) -> str:
        started.append(time.time())
        return str(ctx.event.data["scheduled_for"])

    host.advance("4d")
    assert [output[8:16] for output in outputs(host)] == ["06T09:00", "07T09:00", "08T09:00", "09T09:00"]
    late = [moment % 86_400 - 9 * 3600 for moment in started]
    assert all(0 <= each < 1800 for each in late)
    assert len(set(late)) == 4


def test_next_moment_tells_of_the_schedule_and_of_nothing_without_one(app: App, cloud: Cloud) -> None:
    assert cloud.next_moment is None
    add_async(app, DAILY)
    assert cloud.next_moment == int(datetime(2026, 1, 6, 9, tzinfo=UTC).timestamp()) * 1000


def test_a_year_of_a_monthly_function_takes_twelve_steps(app: App, host: Host) -> None:
    add_async(app, TriggerCron("0 0 1 * *"))
    began = time.process_time()
    host.advance("365d")
    assert len(outputs(host)) == 12
    assert time.process_time() - began < 5


class Wall:
    """A real clock that a test sets."""

    def __init__(self) -> None:
        self.moment = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()) * 1000

    def now(self) -> int:
        return self.moment


def test_what_a_sleeping_machine_has_missed_comes_once(app: App) -> None:
    add_async(app, TriggerCron("*/5 * * * *"))
    clock, put = Wall(), list[str]()
    schedules = Schedules(app, clock, lambda entries: put.append(json.loads(entries[0]["Detail"])["id"]))  # type: ignore[arg-type]
    schedules.run()
    clock.moment += 8 * 3_600_000
    schedules.run()
    schedules.run()
    assert put == ["report-0-2026-01-05T12:05:00Z"]
    assert schedules.next_moment == clock.moment + 300_000


def test_in_real_time_it_starts_by_itself(tarry_cloud: object) -> None:
    """A schedule that is due now: the server's thread fires it, with nothing to wake it."""
    app, seen = App("shop"), list[str]()

    @app.create_function(fn_id="report", trigger=TriggerCron("* * * * *"))
    async def report(ctx: Context) -> None:
        seen.append(ctx.event.data["scheduled_for"])

    with Cloud(app, clock=RealClock()) as cloud:
        [(schedule, (_, due))] = cloud._schedules._upcoming().items()
        cloud._schedules._next[schedule] = (cloud.clock.now(), due)
        with cloud.serve():
            deadline = time.monotonic() + 20
            while not seen and time.monotonic() < deadline:
                time.sleep(0.05)
    assert len(seen) == 1
