"""``app.retry``: the app's own code retries a failed run, by an event on its bus."""

import pytest

from tarry import App, Context, NonRetriableError, TriggerEvent, UsageError
from tarry._wire.bus import source_of
from tarry._wire.internal_events import RETRY_RUN
from tarry.function import FAILED
from tarry_dev.cloud import Cloud, Host, HostedRun
from tests.functional.contract.diary import Diary

PLACED = TriggerEvent(event="placed")
BROKEN = ["once"]


@pytest.fixture(autouse=True)
def order(app: App, diary: Diary) -> None:
    BROKEN[:] = ["at first"]

    async def ship() -> str:
        await diary.write("ship")
        if BROKEN:
            raise NonRetriableError("broken")
        return "shipped"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return await ctx.step.run("ship", ship)


@pytest.fixture
def run(host: Host) -> HostedRun:
    host.send("placed")
    assert host.run().status == "failed"
    return host.run()


def test_a_failed_run_goes_on(app: App, host: Host, run: HostedRun, diary: Diary) -> None:
    BROKEN.clear()
    app.retry(run.id, from_step="ship")
    assert run.status == "failed"
    host.cloud.pump()
    assert (run.output, diary.entries, host.dead_letters) == ("shipped", ["ship", "ship"], [])


def test_the_same_request_retries_once_however_often_it_comes(
    app: App, host: Host, cloud: Cloud, run: HostedRun, diary: Diary
) -> None:
    with cloud.hold("events"):
        app.retry(run.id)
        copied = cloud.queues["events"].messages[-1].body
    for _ in range(2):
        host.advance("10m")
        cloud.clients.sqs.send_message(QueueUrl=cloud.queues["events"].url, MessageBody=copied)
        cloud.pump()
    assert (diary.entries, run.status, len(host.events(FAILED))) == (["ship", "ship"], "failed", 2)
    app.retry(run.id)
    cloud.pump()
    assert len(diary.entries) == 3


def test_what_cannot_be_retried_is_ignored(app: App, host: Host, run: HostedRun, diary: Diary) -> None:
    app.retry(["7" + "0" * 25], from_step="ship")
    app.retry(run.id, from_step="lost")
    host.advance("1h")
    assert (run.status, diary.entries, host.dead_letters) == ("failed", ["ship"], [])


@pytest.mark.parametrize("source", ["web", "tarry.other", ""])
def test_another_source_cannot(host: Host, run: HostedRun, diary: Diary, source: str) -> None:
    assert source != source_of("shop")
    host.put_events({"Source": source or "x", "DetailType": RETRY_RUN, "Detail": f'{{"run_id": "{run.id}"}}'})
    host.advance("1h")
    assert (run.status, diary.entries) == ("failed", ["ship"])


def test_what_can_be_no_runs_id_or_step_is_refused(app: App, host: Host, run: HostedRun) -> None:
    with pytest.raises(UsageError, match="'x' is not a run id"):
        app.retry([run.id, "x"])
    with pytest.raises(UsageError, match="from_step is 7"):
        app.retry(run.id, from_step=7)  # type: ignore[arg-type]
    host.advance("1h")
    assert run.status == "failed"
