"""A plain function's thread takes stored results itself, while it alone is at work."""

import threading

import pytest

from tarry import ContextSync
from tarry_backend.replay.bridge import Bridge
from tarry_backend.replay.loop import QuietLoop
from tests.unit.replay.busy_watcher import BusyWatcher
from tests.unit.replay.memory import MemoryRun, durable, output_of


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the threads have asked the loop to do."""
    asked: list[str] = []
    ask = Bridge.ask

    def noted(bridge: Bridge, work: object) -> object:
        asked.append(getattr(work, "__qualname__", ""))
        return ask(bridge, work)  # type: ignore[arg-type]

    monkeypatch.setattr(Bridge, "ask", noted)
    return asked


def test_stored_steps_do_not_wake_the_loop(asked: list[str]) -> None:
    def add(ctx: ContextSync) -> int:
        total = sum(ctx.step.run("add", lambda n: n + 1, number) for number in range(50))
        ctx.step.sleep("rest", "1h")
        return total

    run = MemoryRun(durable(add))
    run.replay()
    assert len(asked) == 51
    asked.clear()
    assert output_of(run.wake_after("1h")) == sum(range(1, 51))
    assert len(asked) <= 1  # at most the last, whose result came at this moment


def test_branches_of_threads_get_their_results_by_the_loop_in_the_order_of_the_history(asked: list[str]) -> None:
    came: list[str] = []

    def both(ctx: ContextSync) -> list[str]:
        def branch(name: str) -> None:
            for number in range(3):
                output = ctx.step.run(f"{name}{number}", str, f"{name}{number}")
                came.append(output)

        ctx.step.run("before", str, 1)
        ctx.group.parallel([lambda: branch("a"), lambda: branch("b")])
        ctx.step.sleep("rest", "1h")
        return came

    run = MemoryRun(durable(both))
    run.replay()
    first = list(came)
    came.clear()
    asked.clear()
    assert output_of(run.wake_after("1h")) == first
    assert len(asked) >= 7  # the group, and its six steps


def test_a_stored_failure_is_raised_where_the_function_asks(asked: list[str]) -> None:
    def careful(ctx: ContextSync) -> str:
        caught = ""
        try:
            ctx.step.run("break", lambda: 1 // 0)
        except Exception as error:
            caught = str(error)
        ctx.step.sleep("rest", "1h")
        return caught

    run = MemoryRun(durable(careful, retries=0))
    run.replay()
    asked.clear()
    assert "division" in output_of(run.wake_after("1h"))
    assert len(asked) <= 1


def test_a_loop_that_is_held_asleep_goes_on_only_after_that() -> None:
    loop = QuietLoop(BusyWatcher())
    done: list[str] = []
    fell_asleep = threading.Event()

    def thread() -> None:
        with loop.asleep() as is_asleep:
            assert is_asleep
            loop.call_soon_threadsafe(done.append, "woke")
            fell_asleep.wait(0.05)  # time enough for a loop that nobody holds
            done.append("taken")
        loop.call_soon_threadsafe(loop.stop)

    loop.call_later(0, threading.Thread(target=thread).start)
    loop.run_forever()
    loop.close()
    assert done == ["taken", "woke"]


def test_a_loop_that_does_not_run_is_not_asleep() -> None:
    """A thread that was left behind, after the replay's end, takes nothing."""
    loop = QuietLoop(BusyWatcher())
    with loop.asleep() as is_asleep:
        assert not is_asleep
    loop.close()
