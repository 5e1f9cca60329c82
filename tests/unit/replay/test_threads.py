"""The pool of threads."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import anyio  # noqa: F401 - ``is_served`` asks whether it is loaded
import pytest

from tarry_backend.replay.threads import Threads, is_served, strangers


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(most=3)
    yield threads
    threads.shutdown()


def test_a_call_gives_its_result_or_its_error(threads: Threads) -> None:
    assert threads.submit(divmod, 7, 2).result(timeout=5) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result(timeout=5)


def test_a_stop_iteration_becomes_an_error_that_can_be_awaited(threads: Threads) -> None:
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        threads.submit(next, iter([])).result(timeout=5)
    assert isinstance(caught.value.__cause__, StopIteration)


def test_threads_are_used_again() -> None:
    threads = Threads(most=1000)
    before = threading.active_count()
    for _ in range(50):
        threads.submit(int).result(timeout=5)
    assert threading.active_count() - before < 25  # one, but that it says that it is idle just after it has answered
    threads.shutdown()


def test_calls_beyond_the_most_threads_wait_for_one(threads: Threads) -> None:
    gate = threading.Event()
    calls = [threads.submit(gate.wait, 5) for _ in range(3)]
    last = threads.submit(lambda: "at last")
    assert not last.done()
    gate.set()
    assert last.result(timeout=5) == "at last"
    assert all(call.result(timeout=5) for call in calls)


def test_as_many_threads_as_may_be_work_side_by_side_and_no_more() -> None:
    threads = Threads(most=3)
    together = threading.Barrier(4)
    began: list[str] = []

    def work() -> None:
        began.append(threading.current_thread().name)
        together.wait(20)

    calls = [threads.submit(work) for _ in range(3)]
    together.wait(20)  # with less than three threads it breaks
    for call in calls:
        call.result(timeout=5)
    gate = threading.Event()
    later = [threads.submit(gate.wait, 20) for _ in range(9)]
    assert set(began) == {"tarry-1", "tarry-2", "tarry-3"}
    assert threads._started == 3
    gate.set()
    assert [call.result(timeout=20) for call in later] == [True] * 9
    threads.shutdown()


def test_a_call_whose_result_is_false_does_not_end_its_thread() -> None:
    threads = Threads(most=1)
    assert [threads.submit(bool, number).result(timeout=5) for number in (0, 1, 0)] == [False, True, False]
    threads.shutdown()


def test_a_call_has_its_arguments_and_a_generators_end_becomes_an_error_that_names_it(threads: Threads) -> None:
    def end(error: BaseException) -> None:
        raise error

    assert threads.submit(sorted, [2, 3, 1], reverse=True).result(timeout=5) == [3, 2, 1]
    with pytest.raises(RuntimeError, match=r"^the function raised GeneratorExit$"):
        threads.submit(end, GeneratorExit()).result(timeout=5)
    with pytest.raises(KeyboardInterrupt):
        threads.submit(end, KeyboardInterrupt()).result(timeout=5)


def test_a_thread_of_anyio_serves_the_loop_that_it_names_until_it_is_idle() -> None:
    class Worker(threading.Thread):
        loop: object = None
        idle_workers: object = ()

    gate, loop, other = threading.Event(), asyncio.new_event_loop(), asyncio.new_event_loop()
    worker = Worker(target=gate.wait, args=[20])
    worker.start()
    assert not is_served(loop)
    worker.loop = loop
    assert is_served(loop)
    assert not is_served(other)
    worker.idle_workers = [worker]
    assert not is_served(loop)
    worker.idle_workers = [threading.main_thread()]
    assert is_served(loop)
    gate.set()
    worker.join()
    loop.close()
    other.close()


def test_a_thread_that_names_a_loop_and_is_not_anyios_counts_as_one_at_work() -> None:
    gate, loop = threading.Event(), asyncio.new_event_loop()
    thread: Any = threading.Thread(target=gate.wait, args=[20])
    thread.loop = loop
    thread.start()
    assert is_served(loop)
    gate.set()
    thread.join()
    loop.close()


def test_without_anyio_no_thread_serves_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "anyio")
    gate, loop = threading.Event(), asyncio.new_event_loop()
    thread: Any = threading.Thread(target=gate.wait, args=[20])
    thread.loop = loop
    thread.start()
    assert not is_served(loop)
    gate.set()
    thread.join()
    loop.close()


def test_a_call_that_was_cancelled_before_its_turn_is_not_made(threads: Threads) -> None:
    gate = threading.Event()
    made: list[str] = []
    for _ in range(3):
        threads.submit(gate.wait, 5)
    late = threads.submit(made.append, "late")
    assert late.cancel()
    gate.set()
    threads.submit(made.append, "next").result(timeout=5)
    assert made == ["next"]


def test_after_shutdown_its_threads_end_and_none_of_them_would_have_kept_the_process_alive() -> None:
    threads = Threads(most=3)
    used: list[threading.Thread] = []
    threads.submit(lambda: used.append(threading.current_thread())).result(timeout=5)
    threads.shutdown()
    used[0].join(timeout=5)
    assert not used[0].is_alive()
    assert used[0].daemon


def test_a_stranger_is_a_thread_that_is_neither_the_pools_nor_the_main_one(threads: Threads) -> None:
    before = {thread for thread in threading.enumerate() if thread.name[:6] != "tarry-"}
    gate = threading.Event()
    threads.submit(gate.wait, 5)
    if before <= {threading.main_thread(), threading.current_thread()}:  # else somebody else's are alive
        assert not strangers()
    stranger = threading.Thread(target=gate.wait, args=[5])
    stranger.start()
    assert strangers()
    gate.set()
    stranger.join()
