"""Contract 3 as a table: from where on a wait looks, by what lies behind its branch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tarry import DurationError
from tarry.durations import Duration
from tarry_backend.clock import AHEAD
from tarry_backend.model.position import Position
from tarry_backend.model.step import Signal
from tarry_backend.replay import Status, Step, Wait
from tarry_backend.replay.branch_past import BranchPast

T = 1_000_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND

START = Position(T, "start")
FRESH = BranchPast(START)
NOW = T + 3600 * SECOND


def did(kind: str, began: int = T + 10 * MINUTE) -> Step:
    """A run or send step that began then, and ended two minutes later."""
    return Step(
        key=kind, kind=kind, status=Status.DONE, begun_order=1, began=began, ended_order=2, ended=began + 2 * MINUTE
    )


def signalled() -> Step:
    """A wait for a signal, which came."""
    return replace(did("signal", T + 22 * MINUTE), signal=Signal("go", "s", T + 23 * MINUTE))


def slept(until: int = T + 20 * MINUTE) -> Step:
    """A sleep that was to end then, and was woken three seconds late."""
    return Step(
        key="sleep",
        kind="sleep",
        status=Status.DONE,
        begun_order=1,
        began=T + MINUTE,
        ended_order=2,
        ended=until + 3 * SECOND,
        due=until,
    )


def waited(
    name: str = "paid", *, since: Position = START, deadline: int = T + 30 * MINUTE, by: Position | None = None
) -> Step:
    """A wait that an event ended, or its deadline; handled four seconds late."""
    wait = Wait(event_name=name, expression=None, since=since, deadline=deadline, alternatives=(), resolved_by=by)
    return Step(
        key=f"wait for {name}",
        kind="wait",
        status=Status.DONE,
        begun_order=1,
        began=T + MINUTE,
        ended_order=2,
        ended=(by.received_at if by else deadline) + 4 * SECOND,
        wait=wait,
    )


EVENT = Position(T + 25 * MINUTE, "e1")

# What happened before; from where on a wait for "paid" looks.
RULES: list[tuple[str, Sequence[Step], Position]] = [
    ("nothing: the event that started the run", [], START),
    ("a run: its beginning", [did("run")], Position(T + 10 * MINUTE)),
    ("a send: its beginning", [did("send")], Position(T + 10 * MINUTE)),
    ("two runs: the beginning of the last", [did("run"), did("run", T + 15 * MINUTE)], Position(T + 15 * MINUTE)),
    ("a sleep: its end as planned, however late it was woken", [slept()], Position(T + 20 * MINUTE)),
    ("a run and a sleep: the sleep's end", [did("run"), slept()], Position(T + 20 * MINUTE)),
    ("W29 another wait's event: as if it were not there", [waited("packed", by=EVENT)], START),
    ("another wait's timeout: as if it were not there", [waited("packed")], START),
    ("W29 a run, then another wait's event: the run's beginning", [did("run"), waited("packed", by=EVENT)],
     Position(T + 10 * MINUTE)),
    ("a sleep, then another wait's event: the sleep's end", [slept(), waited("packed", by=EVENT)],
     Position(T + 20 * MINUTE)),
    ("a run, then a wait for a signal: the run's beginning", [did("run"), signalled()], Position(T + 10 * MINUTE)),
    ("W38 the same wait, whose deadline had passed when it began: its beginning",
     [waited(since=Position(T + 5 * MINUTE), deadline=T + 2 * MINUTE)], Position(T + 5 * MINUTE)),
    ("the same wait's event: a minute before it", [waited(by=EVENT)], Position(T + 24 * MINUTE)),
    (
        "the same wait's event, a second after its own beginning: that beginning",
        [waited(since=Position(T + 25 * MINUTE - SECOND), by=EVENT)],
        Position(T + 25 * MINUTE - SECOND),
    ),
    ("the same wait's timeout: behind its deadline", [waited()], Position(T + 30 * MINUTE + 1)),
    ("the same wait and then a run: where the wait left off", [waited(by=EVENT), did("run", T + 40 * MINUTE)],
     Position(T + 24 * MINUTE)),
    ("W25 the same wait's timeout and then a run: behind the deadline", [waited(), did("run", T + 40 * MINUTE)],
     Position(T + 30 * MINUTE + 1)),
    ("the same wait and then a sleep: where the wait left off", [waited(by=EVENT), slept(T + 90 * MINUTE)],
     Position(T + 24 * MINUTE)),
    ("the same wait, then another's event: where the same left off",
     [waited(by=EVENT), waited("packed", by=Position(T + 28 * MINUTE, "e2"))], Position(T + 24 * MINUTE)),
    ("two waits on the name: where the last left off",
     [waited(by=EVENT), waited(since=Position(T + 24 * MINUTE), by=Position(T + 50 * MINUTE, "e2"))],
     Position(T + 49 * MINUTE)),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "since"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_a_wait_looks_from(steps: Sequence[Step], since: Position) -> None:
    past = FRESH
    for step in steps:
        past = past.then(step)
    assert past.since("paid", None, NOW) == since


def test_a_wait_for_two_kinds_of_one_name_leaves_off_where_the_earlier_of_them_did() -> None:
    late = waited(since=Position(T + 28 * MINUTE), by=Position(T + 28 * MINUTE + SECOND, "e1")).wait
    early = waited(by=EVENT)
    assert early.wait is not None
    assert late is not None
    both = replace(early, wait=replace(early.wait, others=(late,)))
    assert FRESH.then(both).since("paid", None, NOW) == Position(T + 24 * MINUTE)


# lookback; from where on a wait looks that would look from the beginning of a run ten minutes ago.
LOOKBACKS: list[tuple[Duration, Position]] = [
    ("30m", Position(NOW - 30 * MINUTE)),
    (timedelta(minutes=30), Position(NOW - 30 * MINUTE)),
    (30 * MINUTE, Position(NOW - 30 * MINUTE)),
    ("7d", Position(NOW - 7 * 24 * 60 * MINUTE)),
    ("1m", Position(NOW - 10 * MINUTE)),
    (0, Position(NOW)),
    ("0s", Position(NOW)),
    (timedelta(0), Position(NOW)),
]


@pytest.mark.parametrize(("lookback", "since"), LOOKBACKS, ids=str)
def test_lookback_reaches_further_back_and_never_less_far_but_0_listens_from_now_on(
    lookback: Duration, since: Position
) -> None:
    past = FRESH.then(did("run", NOW - 10 * MINUTE))
    assert past.since("paid", lookback, NOW) == since


def test_lookback_reaches_behind_an_earlier_wait_on_the_name() -> None:
    assert FRESH.then(waited()).since("paid", "1h", NOW) == Position(T)


@pytest.mark.parametrize("lookback", ["-1s", -1, timedelta(days=-1)], ids=str)
def test_a_lookback_into_the_future_is_an_error_that_says_so(lookback: Duration) -> None:
    with pytest.raises(DurationError, match="is negative"):
        FRESH.since("paid", lookback, NOW)


def test_branches_joined_leave_the_earliest_of_what_each_has_left() -> None:
    past = FRESH.then(did("run"))
    long = past.then(did("run", T + 50 * MINUTE))
    short = past.then(did("run", T + 12 * MINUTE))
    assert past.joined([long, short]).since("paid", None, NOW) == Position(T + 12 * MINUTE)


def test_branches_joined_leave_off_on_each_name_where_the_earliest_did() -> None:
    first = FRESH.then(waited(by=EVENT))
    second = FRESH.then(waited(since=Position(T + 20 * MINUTE), by=Position(T + 22 * MINUTE, "e2")))
    other = FRESH.then(waited("packed"))
    joined = FRESH.joined([first, second, other])
    assert joined.since("paid", None, NOW) == Position(T + 21 * MINUTE)
    assert joined.since("packed", None, NOW) == Position(T + 30 * MINUTE + 1)
    assert joined.since("other", None, NOW) == START


def test_a_branch_without_a_wait_on_the_name_does_not_take_back_where_another_left_off() -> None:
    past = FRESH.then(waited(by=EVENT))
    timed_out = past.then(waited(since=Position(T + 24 * MINUTE)))
    joined = past.joined([timed_out, past.then(did("run", T + 40 * MINUTE))])
    assert joined.since("paid", None, NOW) == Position(T + 30 * MINUTE + 1)


def test_branches_in_which_nothing_happened_change_nothing() -> None:
    past = FRESH.then(did("run"))
    assert past.joined([past, past]) == past
    assert past.joined([]) == past
    went_on = past.then(did("run", T + 40 * MINUTE))
    assert past.joined([past, went_on]) == went_on


# When a step begins; since when an attempt may have been under way; when it began first.
BEGINNINGS: list[tuple[str, int | None, int]] = [
    ("no attempt has died", None, NOW),
    ("one was under way before the branch had its last result: that result's end", T, T + 12 * MINUTE),
    ("one was under way after that", T + 15 * MINUTE, T + 15 * MINUTE),
    ("the queue's clock is ahead of this Lambda's", NOW + SECOND, NOW),
]


@pytest.mark.parametrize(("since", "began"), [row[1:] for row in BEGINNINGS], ids=[row[0] for row in BEGINNINGS])
def test_a_step_began_first_when(since: int | None, began: int) -> None:
    assert FRESH.then(did("run")).began(NOW, since) == began


def test_after_branches_are_joined_a_step_cannot_have_begun_before_all_of_them_had_their_results() -> None:
    long, short = FRESH.then(did("run", T + 50 * MINUTE)), FRESH.then(did("run", T + 12 * MINUTE))
    assert FRESH.joined([long, short]).began(NOW, T) == T + 52 * MINUTE
    assert FRESH.then(slept()).then(waited(by=EVENT)).began(NOW, T) == EVENT.received_at


def test_a_lambda_whose_clock_is_ahead_ended_a_step_up_to_five_seconds_before_what_it_noted() -> None:
    assert FRESH.then(waited(by=None)).began(NOW, T) == T + 30 * MINUTE + 4 * SECOND - AHEAD
    assert FRESH.then(did("run", T + 50 * MINUTE)).began(NOW, T) == T + 52 * MINUTE


@pytest.mark.parametrize("kind", ["run", "send"])
def test_a_branch_had_a_bodys_result_at_its_end(kind: str) -> None:
    assert FRESH.then(did(kind)).given == T + 12 * MINUTE


def test_a_branch_may_have_had_what_else_ends_a_step_a_little_earlier() -> None:
    """The end of a sleep is by the clock of a Lambda, which may be ahead."""
    assert FRESH.then(slept()).given == T + 20 * MINUTE + 3 * SECOND - AHEAD
