"""Time in the embedded cloud: it moves by the clock, from one thing that happens to the next."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tarry.errors import UsageError
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Cloud, Delivery, EndlessError, MovedClock, RealClock
from tests.functional.cloud.conftest import MakeCloud
from tests.functional.cloud.recorder import Recorder, send_timer

NOON = 1_767_614_400_000
MINUTE = 60_000


def write_due(run_id: str, due: int) -> None:
    runtime().store.table.put(Item(f"run#{run_id}", "step#s", due_shard=1, due=due))


@pytest.fixture
def sweeps(cloud: Cloud) -> list[int]:
    """The moments at which the sweep has run, in minutes from the clock's beginning."""
    moments: list[int] = []

    def note(delivery: Delivery) -> None:
        if delivery.function == "sweep":
            moments.append((cloud.clock.now() - NOON) // MINUTE)

    cloud.observe(note)
    return moments


def test_a_delay_is_over_when_the_clock_says_so(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "later", delay=900)
    sent_at = cloud.queues["timers"].messages[0].sent_at
    assert cloud.next_moment == sent_at + 900_000
    cloud.advance(datetime.fromtimestamp((sent_at + 899_999) / 1000, UTC))
    assert timers.bodies == []
    cloud.advance(1)
    assert timers.bodies == ["later"]


def test_days_pass_in_as_many_steps_as_something_happens(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "soon", delay=10)
    began = time.process_time()
    cloud.advance("300d")
    assert time.process_time() - began < 0.5
    assert timers.bodies == ["soon"]
    assert cloud.clock.now() >= NOON + 300 * 86_400_000


def test_what_happens_on_the_way_happens_at_its_time(cloud: Cloud, timers: Recorder) -> None:
    for delay in (30, 10, 20):
        send_timer(cloud, str(delay), delay)
    moments: list[int] = []
    cloud.observe(lambda delivery: moments.append((cloud.clock.now() - NOON) // 1000))
    cloud.advance("1h")
    assert timers.batches == [["10"], ["20"], ["30"]]
    assert moments == [10, 20, 30]


def test_each_message_has_a_moment_of_its_own(cloud: Cloud, timers: Recorder) -> None:
    cloud.put_events([{"Source": "shop", "DetailType": "a", "Detail": "{}"}] * 3)
    first, second, third = (message.sent_at for message in cloud.queues["events"].messages)
    assert (second - first, third - second) == (1, 1)


def test_a_clock_without_steps_stands_still(make_cloud: MakeCloud, timers: Recorder) -> None:
    cloud = make_cloud(clock=MovedClock(step=0))
    send_timer(cloud, "a")
    send_timer(cloud, "b")
    cloud.pump()
    assert timers.bodies == ["a", "b"]
    assert cloud.clock.now() == NOON


def test_the_clock_keeps_to_the_millisecond(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(clock=MovedClock(datetime(2031, 3, 30, 1, 59, 59, 123_999, UTC)))
    begin = 1_932_602_399_123
    for moment in range(begin, begin + 1_000):
        assert cloud.clock.now() == int(time.time() * 1000) == moment
        cloud.clock.tick()


def test_the_clock_leaves_monotonic_time_and_the_time_zone_alone(make_cloud: MakeCloud) -> None:
    zone, began = time.tzname, time.monotonic()
    make_cloud().advance("300d")
    assert time.monotonic() - began < 60
    assert time.tzname == zone


def test_a_clock_needs_a_time_zone() -> None:
    with pytest.raises(UsageError, match="aware datetime"):
        MovedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake itself


def test_the_sweep_runs_when_something_comes_into_its_sight(cloud: Cloud, sweeps: list[int]) -> None:
    write_due("r1", NOON + 100 * MINUTE + 1)
    cloud.advance("99m")
    assert sweeps == [99]


def test_the_sweep_does_not_stop_for_what_is_under_way(cloud: Cloud, sweeps: list[int]) -> None:
    write_due("r1", NOON + 2 * MINUTE)
    cloud.advance("2m")
    assert sweeps == []


def test_the_sweep_comes_back_for_what_is_overdue_each_time_it_is_twice_as_late(
    cloud: Cloud, sweeps: list[int]
) -> None:
    write_due("r1", NOON + 30_000)
    cloud.advance("20m")
    assert sweeps == [2, 3, 5, 9, 17]


def test_catching_up_takes_what_was_due_to_its_end_and_no_further(cloud: Cloud, timers: Recorder) -> None:
    write_due("r1", NOON)
    send_timer(cloud, "nearly on time", delay=2)
    send_timer(cloud, "not due", delay=10)

    def finish(records: list[dict[str, object]]) -> None:
        with runtime().store.table.batch() as batch:
            batch.delete("run#r1", "step#s")

    timers.answer = finish
    cloud.pump()
    assert timers.bodies == []
    cloud.catch_up()
    assert timers.bodies == ["nearly on time"]
    assert cloud.clock.now() < NOON + 3_000
    assert cloud.catch_up() == 0


def test_messages_without_end_are_noticed(make_cloud: MakeCloud, timers: Recorder) -> None:
    cloud = make_cloud(max_deliveries=50)
    timers.answer = lambda records: send_timer(cloud, "again")
    send_timer(cloud, "again")
    with pytest.raises(EndlessError, match=r"50 batches .* 'timers': 1.* again"):
        cloud.pump()
    assert len(timers.events) == 50


def test_a_real_clock_waits(make_cloud: MakeCloud, timers: Recorder) -> None:
    cloud = make_cloud(clock=RealClock())
    send_timer(cloud, "soon", delay=1)
    assert cloud.pump() == 0
    began = time.monotonic()
    cloud.advance(timedelta(seconds=1.2))
    assert time.monotonic() - began >= 1.1
    assert timers.bodies == ["soon"]
