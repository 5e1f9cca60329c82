"""The benchmark under load itself, on moto and with few waits, so that it still runs when it is wanted."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.load.load import Load, Plan, Result, Stage
from benchmarks.load.mapping import Mapping
from benchmarks.load.report import Part, Report
from benchmarks.load.search import highest
from benchmarks.load.workers import workers
from tarry.errors import TarryError, UsageError
from tarry_backend.deploy.topology import EVENTS, RUNS

STAGE = Stage(
    rate=10,
    events=100,
    open_waits=50,
    median_ms=20,
    p95_ms=1_900,
    p99_ms=3_000,
    backlog=9,
    late_ms=1,
    lost=0,
    twice=0,
    mistaken=0,
)


def of_run(run: str, body: str) -> dict[str, str]:
    return {"MessageBody": body, "MessageGroupId": run, "MessageDeduplicationId": body}


def bodies(mapping: Mapping, moment: int = 0) -> list[str]:
    return [message.body for message in mapping.take(moment)]


def test_each_wait_is_resumed_once_by_the_handlers_in_a_process(endpoint: str, tmp_path: Path) -> None:
    said: list[str] = []
    with workers(endpoint, 1, tmp_path, settle_seconds=0) as place:
        load = Load(place, Plan(waits=10, first=5, seconds=1, measured=12), tmp_path / "diary", said.append)
        stage = load.stage(20, 12)
    assert (stage.events, stage.open_waits, stage.lost, stage.twice, stage.mistaken) == (12, 17, 0, 0, 0)
    assert 0 < stage.median_ms <= stage.p95_ms <= stage.p99_ms
    assert len((tmp_path / "diary").read_text().splitlines()) == 12
    assert said[0] == "opening 17 waits"


def test_a_message_that_would_be_a_dead_letter_is_an_error(endpoint: str, tmp_path: Path) -> None:
    with workers(endpoint, 1, tmp_path, settle_seconds=0) as place:
        place.put("load/asked", ['{"v": 1, "data": "of no event"}'], None)
        with pytest.raises(TarryError, match="again and again"):
            place.rest()


@pytest.mark.parametrize(("capacity", "found"), [(10.0, 10.0), (50.0, 50.0), (79.0, 70.0), (109.0, 100.0)])
def test_the_highest_rate_is_found_by_doubling_and_two_bisections(capacity: float, found: float) -> None:
    assert highest(lambda rate: rate <= capacity, 10) == found


def test_a_first_rate_that_is_not_borne_is_an_error() -> None:
    with pytest.raises(UsageError, match="--first"):
        highest(lambda rate: False, 10)


def test_a_rate_is_borne_if_few_events_take_long_and_few_are_behind() -> None:
    assert STAGE.is_borne
    assert not replace(STAGE, p95_ms=2_001).is_borne
    assert not replace(STAGE, backlog=12).is_borne


@pytest.mark.parametrize("wrong", [replace(STAGE, lost=1), replace(STAGE, twice=1), replace(STAGE, mistaken=1)])
def test_a_wait_that_is_lost_or_resumed_twice_fails_the_benchmark(wrong: Stage) -> None:
    fine = Part("some place", Result(10, [STAGE], STAGE))
    assert not Report({}, {"workers": fine}).failed
    assert Report({}, {"workers": fine, "ministack": Part("other", Result(10, [wrong], STAGE))}).failed


def test_a_run_has_one_message_at_work_and_they_are_in_order() -> None:
    runs = Mapping(RUNS)
    for run, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a1")):
        runs.send(0, of_run(run, body))
    first = runs.take(0)
    assert [message.body for message in first] == ["a1"]
    assert bodies(runs) == ["b1"], "the run's next message waits, what is sent again is dropped"
    assert runs.oldest(0) is None
    runs.finish(first, {first[0].id})
    [again] = runs.take(0)
    assert again.body == "a1", "what failed comes before what came after it"
    runs.finish([again], ())
    assert bodies(runs) == ["a2"]


def test_a_delayed_message_comes_when_it_is_due() -> None:
    events = Mapping(EVENTS)
    events.send(1_000, {"MessageBody": "late", "DelaySeconds": 2})
    assert (events.oldest(2_999), events.next_moment, events.is_empty) == (None, 3_000, False)
    assert events.oldest(3_000) == 1_000
    batch = events.take(3_000)
    assert batch[0].record()["attributes"]["ApproximateFirstReceiveTimestamp"] == "3000"
    events.finish(batch, ())
    assert events.is_empty
