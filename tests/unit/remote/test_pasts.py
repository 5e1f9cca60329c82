"""From where on a wait of a remote function looks: further back than any branch needs, and never nearer."""

from tarry_backend.model.position import Position
from tarry_backend.model.step import Status, Step, Wait
from tarry_backend.remote.pasts import Pasts
from tarry_backend.replay.branch_past import BranchPast

FIRST = BranchPast(Position(1_000), given=1_000)


def step(key: str, begun: int, ended: int | None, began: int, kind: str = "run", due: int | None = None) -> Step:
    status = Status.WAITING if ended is None else Status.DONE
    return Step(
        key=key, kind=kind, status=status, begun_order=begun, began=began, ended_order=ended, ended=began, due=due
    )


def wait(key: str, begun: int, ended: int | None, name: str, resolved: int | None = None, since: int = 0) -> Step:
    found = Wait(
        event_name=name,
        expression=None,
        since=Position(since),
        deadline=900_000,
        alternatives=(),
        resolved_by=None if resolved is None else Position(resolved, "e"),
    )
    status = Status.WAITING if ended is None else Status.DONE
    return Step(key=key, kind="wait", status=status, begun_order=begun, began=1, ended_order=ended, ended=1, wait=found)


def since(order: int, *steps: Step, name: str = "x", news: int = 0) -> int:
    return Pasts(FIRST, steps).before(order, news).since(name, None, 0).received_at


def test_the_first_wait_looks_from_the_event_that_started_the_run() -> None:
    assert since(1) == 1_000


def test_a_wait_looks_from_the_beginning_of_the_step_before() -> None:
    assert since(5, step("a", 1, 2, 2_000), step("b", 3, 4, 3_000)) == 3_000


def test_after_steps_side_by_side_it_looks_from_the_earliest_of_them() -> None:
    assert since(5, step("a", 1, 4, 2_000), step("b", 2, 3, 2_500)) == 2_000


def test_a_sleep_counts_from_its_end() -> None:
    assert since(3, step("nap", 1, 2, 2_000, "sleep", due=60_000)) == 60_000


def test_a_branch_that_waited_looks_from_its_own_past_whatever_others_did() -> None:
    """a ── wait y ─────────────── wait x (this one): from a's beginning
    b ── c ── d (much later)"""
    history = (
        step("a", 1, 3, 2_000),
        step("b", 2, 4, 2_100),
        wait("y", 5, 10, "y", resolved=50_000),
        step("c", 6, 7, 30_000),
        step("d", 8, 9, 40_000),
    )
    assert since(11, *history) <= 2_000


def test_a_further_wait_on_a_name_begins_where_the_last_one_left_off() -> None:
    history = (step("a", 1, 2, 2_000), wait("w", 3, 4, "x", resolved=500_000, since=2_000))
    assert since(5, *history) == 440_000
    assert since(5, *history, name="other") == 2_000


def test_another_branch_s_wait_on_the_name_does_not_move_it() -> None:
    history = (
        step("a", 1, 3, 2_000),
        step("b", 2, 4, 2_100),
        wait("w", 5, 7, "x", resolved=500_000, since=2_000),
        step("c", 6, 8, 3_000),
    )
    assert since(9, *history) == 3_000  # it may follow from c


def test_what_a_dead_executor_may_not_have_given_counts_too() -> None:
    history = (step("a", 1, 2, 2_000), step("b", 3, 4, 3_000))
    assert since(5, *history, news=2) == 2_000


def test_a_thousand_waits_in_a_row_need_no_deep_recursion() -> None:
    history = [step("a", 1, 2, 2_000)]
    history += [wait(f"w{n}", 3 + 2 * n, 4 + 2 * n, f"y{n}", resolved=5_000) for n in range(999)]
    assert since(3_000, *history) == 2_000
