"""When the served cloud looks through all objects for cyclic garbage."""

import gc
from collections.abc import Iterator
from threading import Event as Flag

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_dev.cloud import Cloud, RealClock
from tarry_dev.cloud.garbage import Garbage

_FULL = 2


class _Looks:
    """Counts the collections of all generations while it is installed."""

    def __init__(self) -> None:
        self.full = 0
        self.came = Flag()

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == _FULL:
            self.full += 1
            self.came.set()


@pytest.fixture(autouse=True)
def _the_collector_is_as_python_starts_it() -> Iterator[None]:
    """The tests' own thresholds would let a run's objects pass unseen."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def looks() -> Iterator[_Looks]:
    looks = _Looks()
    known: list[list[int]] = [[] for _ in range(200_000)]  # those of before the tests are no longer looked through
    gc.collect()
    gc.callbacks.append(looks)
    yield looks
    gc.callbacks.remove(looks)
    known.clear()


def test_a_run_goes_on_without_a_look_through_all_that_waits(looks: _Looks) -> None:
    """With 10,000 waiting runs such a look takes most of a second."""
    app, ended, may_end = App("shop"), Flag(), Flag()
    kept: list[list[int]] = []
    held_up: list[int] = []

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("keep", keep)
        await ctx.step.run("end", end)

    def keep() -> None:
        before = looks.full
        kept.extend([] for _ in range(500_000))
        held_up.append(looks.full - before)
        looks.came.clear()

    def end() -> None:
        ended.set()
        assert may_end.wait(20)

    with Cloud(app, clock=RealClock()) as cloud, cloud.serve():
        cloud.send(Event("placed"))
        assert ended.wait(20)
        may_end.set()
        assert looks.came.wait(20)  # once the cloud rests
    assert held_up == [0]


def test_the_thresholds_are_as_before_when_the_cloud_is_no_longer_served() -> None:
    before = gc.get_threshold()
    with Cloud(App("shop"), clock=RealClock()) as cloud:
        with cloud.serve():
            assert gc.get_threshold() != before
        assert gc.get_threshold() == before


def test_a_cloud_that_never_rests_looks_when_half_of_all_objects_are_new(looks: _Looks) -> None:
    moment, many = 0.0, len(gc.get_objects())
    with Garbage(lambda: moment) as garbage:
        kept: list[list[int]] = [[] for _ in range(many * 2 // 5)]
        moment = 100.0
        garbage.look(is_moving=True)
        assert looks.full == 0
        kept += [[] for _ in range(many * 2 // 5)]
        garbage.look(is_moving=True)
        assert looks.full == 1
    assert len(kept) > many / 2


def test_a_cloud_at_rest_looks_before_half_of_all_objects_are_new(looks: _Looks) -> None:
    moment, many = 0.0, len(gc.get_objects())
    with Garbage(lambda: moment) as garbage:
        kept: list[list[int]] = [[] for _ in range(many // 3)]
        moment = 0.9
        garbage.look(is_moving=False)
        assert looks.full == 0, "it has not rested for a second"
        moment = 1.1
        garbage.look(is_moving=False)
        assert looks.full == 1
    assert kept


def test_a_cloud_at_rest_does_not_look_again_when_nothing_came(looks: _Looks) -> None:
    moment = 0.0
    with Garbage(lambda: moment) as garbage:
        for _ in range(100):
            moment += 5
            garbage.look(is_moving=False)
    assert looks.full == 0


def test_a_collector_that_your_code_has_turned_off_stays_off(looks: _Looks) -> None:
    gc.disable()
    try:
        moment = 0.0
        with Garbage(lambda: moment) as garbage:
            kept: list[list[int]] = [[] for _ in range(500_000)]
            moment = 100.0
            garbage.look(is_moving=False)
    finally:
        gc.enable()
    assert looks.full == 0
    assert len(kept) == 500_000
