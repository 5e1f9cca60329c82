"""What moves a served cloud: the queues take turns, and nothing turns round while there is nothing to do."""

import time
from collections.abc import Callable, Iterator

import pytest

from tarry_dev.cloud import Cloud, RealClock, pump
from tarry_dev.cloud.pump import Pump
from tests.functional.cloud.conftest import MakeCloud
from tests.functional.cloud.recorder import Recorder, send_run, send_timer


@pytest.fixture
def live(make_cloud: MakeCloud) -> Cloud:
    return make_cloud(clock=RealClock())


@pytest.fixture
def long_rests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A rest ends only if something ends it."""
    with monkeypatch.context() as patched:
        patched.setattr(pump, "_LONGEST_REST", 20)
        yield


def soon(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come true within {seconds} s"
        time.sleep(0.005)


def send_events(cloud: Cloud, count: int) -> None:
    for number in range(count):
        cloud.clients.sqs.send_message(QueueUrl=cloud.queues["events"].url, MessageBody=str(number))


def test_a_run_goes_on_while_events_wait_for_the_matcher(live: Cloud, matcher: Recorder, executor: Recorder) -> None:
    matcher.answer = lambda records: time.sleep(0.02)
    send_events(live, 400)
    send_run(live, "a", "resume")
    with live.serve():
        soon(lambda: executor.events)
        assert len(matcher.events) < 10, "it does not wait until all 40 batches are matched"
        soon(lambda: len(matcher.records) == 400)


def test_events_and_timers_take_turns(live: Cloud, matcher: Recorder, timers: Recorder) -> None:
    matcher.answer = timers.answer = lambda records: time.sleep(0.02)
    send_events(live, 200)
    for number in range(200):
        send_timer(live, str(number))
    with live.serve():
        soon(lambda: len(matcher.events) + len(timers.events) >= 20)
        assert min(len(matcher.events), len(timers.events)) >= 8
        soon(lambda: len(matcher.records) + len(timers.records) == 400)


@pytest.mark.usefixtures("executor")
def test_a_cloud_with_nothing_to_do_looks_at_its_queues_seldom(live: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    step = Pump.step

    def noted(self: Pump) -> bool:
        looks.append(time.monotonic())
        return step(self)

    monkeypatch.setattr(Pump, "step", noted)
    monkeypatch.setattr(pump, "_LONGEST_REST", 0.15)
    send_run(live, "a", "done at once")
    send_timer(live, "in a quarter of an hour", delay=900)
    with live.serve():
        time.sleep(0.45)
    assert len(looks) <= 10


@pytest.mark.usefixtures("long_rests")
def test_a_message_ends_a_rest_at_once(live: Cloud, timers: Recorder) -> None:
    with live.serve():
        time.sleep(0.3)
        send_timer(live, "now")
        soon(lambda: timers.bodies == ["now"], seconds=10)


@pytest.mark.usefixtures("long_rests")
def test_a_rest_ends_when_a_message_is_due(live: Cloud, timers: Recorder) -> None:
    send_timer(live, "in a second", delay=1)
    began = time.monotonic()
    with live.serve():
        soon(lambda: timers.bodies, seconds=10)
        assert time.monotonic() - began > 0.8


@pytest.mark.usefixtures("long_rests")
def test_a_run_that_ends_makes_way_for_the_next_of_its_group(live: Cloud, executor: Recorder) -> None:
    executor.answer = lambda records: time.sleep(0.2)
    send_run(live, "a", "first")
    send_run(live, "a", "second")
    with live.serve():
        soon(lambda: executor.bodies == ["first", "second"], seconds=10)
