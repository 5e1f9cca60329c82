"""The pool of threads."""

import threading
from collections.abc import Iterator

import pytest

from tarry_backend.replay.threads import Threads, strangers


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
