"""Rows W06 to W10, W20 to W22: no event falls between a wait that is registered and a matcher that looks for it.

Each case is a small world, played in every order that its actors' calls to AWS can come in (see ``handshake``). Its
ends are of the kinds that ``Verdict`` names, and each kind that is listed must come up: so the known exceptions are
stated, not tolerated. ``TARRY_EXPLORE=all`` adds the large cases; ``--log-cli-level=INFO`` shows how many ends of which
kind there are.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tarry._wire.internal_events import FINISHED
from tarry_backend.executor import apply_message
from tarry_backend.executor.announcer import Announcer
from tarry_backend.executor.run_journal import RunJournal
from tarry_backend.matcher.batch import Record
from tarry_backend.matcher.matcher import LoggedBatch, Matcher
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.store import runs
from tarry_backend.timers.timers import Timers
from tarry_backend.waits.lookup import LogLook, look
from tests.functional.contract.handshake.cases import OTHER_NAME, Case, Sent
from tests.functional.contract.handshake.mail import ANNOUNCER
from tests.functional.contract.handshake.theatre import BrokenError, Verdict, explored, time_line

EXACT, UNLOGGED, LATE = Verdict

BY_KEY = "async.data.id == event.data.id"
BY_TWO_KEYS = f"{BY_KEY} || async.data.any == true"
BY_NAME = "async.data.id >= event.data.id"
BY_AMOUNT = f"{BY_KEY} && async.data.amount > 5"

FIRST = Sent("first", 1_000, {"id": "7"})
SECOND = Sent("second", 2_000, {"id": "7"})
BY_OTHER_KEY = Sent("second", 2_000, {"any": True})
OTHER = Sent("other", 1_500, {"id": "8"}, matches=False)
TOO_EARLY = Sent("too early", -1, {"id": "7"})
IN_TIME = Sent("in time", 60_100, {"id": "7"})
TOO_LATE = Sent("too late", 60_101, {"id": "7"})
UNCOMPARABLE = Sent("other", 500, {"id": "7", "amount": "much"}, matches=False)
LARGE = Sent("first", 1_000, {"id": "7", "amount": 6})
LEFT = Sent("second", 2_000, {"id": "7"}, name=OTHER_NAME)

END = Sent("7-finished", 1_000, {}, name=FINISHED)
BY_RUN = "async.data.run_id == event.data.id"

CASES: Mapping[str, tuple[Case, set[Verdict]]] = {
    "an event": (Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),)), {EXACT}),
    "an event by the second key": (
        Case(expression=BY_TWO_KEYS, events=(BY_OTHER_KEY,), batches=(("second",),)),
        {EXACT},
    ),
    "an event by its name": (Case(expression=BY_NAME, events=(FIRST,), batches=(("first",),)), {EXACT}),
    "no answer": (
        Case(expression=BY_TWO_KEYS, events=(OTHER, TOO_EARLY), batches=(("other",), ("too early",))),
        {EXACT},
    ),
    "a near miss before the event": (
        Case(expression=BY_KEY, events=(OTHER, SECOND), batches=(("other",), ("second",))),
        {EXACT},
    ),
    "an event that comes twice": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",), ("first",))),
        {EXACT},
    ),
    "a settle that comes twice": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),), twice=frozenset({"settle"})),
        {EXACT},
    ),
    "a start and a resume that come twice": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),), twice=frozenset({"start", "resume"})),
        {EXACT},
    ),
    "two events in a batch": (
        Case(expression=BY_KEY, events=(FIRST, SECOND), batches=(("first", "second"),)),
        {EXACT, UNLOGGED},
    ),
    "two events in two batches": (
        Case(expression=BY_KEY, events=(FIRST, SECOND), batches=(("first",), ("second",))),
        {EXACT, UNLOGGED},
    ),
    "an event of a busy name": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),), busy=True),
        {EXACT},
    ),
    "two events of a busy name in two batches": (
        Case(expression=BY_KEY, events=(FIRST, SECOND), batches=(("first",), ("second",)), busy=True),
        {EXACT, UNLOGGED},
    ),
    "an event of the second of two names": (
        Case(expression=BY_KEY, events=(LEFT,), batches=(("second",),), two_names=True),
        {EXACT},
    ),
    "an event that cancels": (
        Case(expression=BY_KEY, events=(LEFT,), batches=(("second",),), cancels=True),
        {EXACT},
    ),
    "the end of a run": (Case(expression=BY_RUN, events=(END,), batches=(), announces=True), {EXACT}),
    "a deadline": (
        Case(expression=BY_KEY, events=(IN_TIME,), batches=(("in time",),), timeout="60s"),
        {EXACT, LATE},
    ),
    "a deadline, and an event after it": (
        Case(expression=BY_KEY, events=(TOO_LATE,), batches=(("too late",),), timeout="60s"),
        {EXACT},
    ),
    "a deadline before the settle": (
        Case(expression=BY_TWO_KEYS, events=(BY_OTHER_KEY,), batches=(("second",),), timeout="8s"),
        {EXACT, LATE},
    ),
}

LARGE_CASES: Mapping[str, tuple[Case, set[Verdict]]] = {
    "an event of each of two names": (
        Case(expression=BY_KEY, events=(FIRST, LEFT), batches=(("first",), ("second",)), two_names=True),
        {EXACT, UNLOGGED},
    ),
    "an event, and one that cancels": (
        Case(expression=BY_KEY, events=(FIRST, LEFT), batches=(("first",), ("second",)), cancels=True),
        {EXACT},
    ),
    "a near miss that cannot be compared": (
        Case(expression=BY_AMOUNT, events=(UNCOMPARABLE, LARGE), batches=(("other",), ("first",))),
        {EXACT},
    ),
    "a deadline that comes twice": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),), timeout="60s", twice=frozenset({"due"})),
        {EXACT, LATE},
    ),
    "two events by two keys": (
        Case(expression=BY_TWO_KEYS, events=(FIRST, BY_OTHER_KEY), batches=(("first",), ("second",))),
        {EXACT, UNLOGGED},
    ),
    "two events, and a deadline before the settle": (
        Case(expression=BY_TWO_KEYS, events=(FIRST, SECOND), batches=(("first",), ("second",)), timeout="8s"),
        {EXACT, UNLOGGED, LATE},
    ),
    "two events, one of which comes twice": (
        Case(expression=BY_KEY, events=(FIRST, SECOND), batches=(("first",), ("second",), ("first",))),
        {EXACT, UNLOGGED},
    ),
    "two events in a batch, one of which comes twice": (
        Case(expression=BY_KEY, events=(FIRST, SECOND), batches=(("first", "second"), ("first",))),
        {EXACT, UNLOGGED},
    ),
    "a deadline of a busy name": (
        Case(expression=BY_KEY, events=(IN_TIME,), batches=(("in time",),), timeout="60s", busy=True),
        {EXACT, LATE},
    ),
    "two events around a deadline": (
        Case(expression=BY_KEY, events=(IN_TIME, TOO_LATE), batches=(("in time",), ("too late",)), timeout="60s"),
        {EXACT, LATE},
    ),
    "two events in time": (
        Case(expression=BY_KEY, events=(FIRST, IN_TIME), batches=(("first",), ("in time",)), timeout="60s"),
        {EXACT, UNLOGGED, LATE},
    ),
    "start, resume and settle twice": (
        Case(expression=BY_KEY, events=(FIRST,), batches=(("first",),), twice=frozenset({"start", "resume", "settle"})),
        {EXACT},
    ),
}

ONE, _ = CASES["an event"]
TIMED, _ = CASES["a deadline"]

MORE_THAN_ENOUGH = 2_000
"""Schedules of a case in each run of the tests."""

DEATHS = [
    *[("executor", call) for call in range(1, 12)],
    *[("matcher of first", call) for call in range(1, 5)],
    *[("settle", call) for call in range(1, 4)],
]

ENDED, _ = CASES["the end of a run"]


@pytest.mark.parametrize(("case", "verdicts"), CASES.values(), ids=CASES)
def test_a_wait_has_the_earliest_matching_event_in_whatever_order_all_go_on(case: Case, verdicts: set[Verdict]) -> None:
    assert set(explored(case, MORE_THAN_ENOUGH).verdicts) == verdicts


@pytest.mark.skipif("TARRY_EXPLORE" not in os.environ, reason="large: set TARRY_EXPLORE=all")
@pytest.mark.parametrize(("case", "verdicts"), LARGE_CASES.values(), ids=LARGE_CASES)
def test_the_same_of_larger_worlds(case: Case, verdicts: set[Verdict]) -> None:
    assert set(explored(case, 200_000).verdicts) == verdicts


@pytest.mark.parametrize(("actor", "call"), DEATHS)
def test_nothing_is_lost_wherever_a_lambda_dies(actor: str, call: int) -> None:
    assert set(explored(replace(ONE, dies=(actor, call)), MORE_THAN_ENOUGH).verdicts) == {EXACT}


@pytest.mark.parametrize("call", range(1, 5))
def test_no_end_of_a_run_is_lost_wherever_its_executor_dies(call: int) -> None:
    """The fourth call is that to the bus, which a schedule makes if the wait is there."""
    case = replace(ENDED, dies=(ANNOUNCER, call))
    assert set(explored(case, MORE_THAN_ENOUGH).verdicts) == {EXACT}


# That the exploration finds what is wrong: with each part of the handshake taken out, it does.


def forget_the_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timers, "_settle", lambda timers, message: None)


def log_after_the_index_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    log, act = Matcher.log, Matcher.act

    def act_then_log(matcher: Matcher, record: Record, batch: LoggedBatch, outbox: Outbox) -> None:
        act(matcher, record, batch, outbox)
        outbox.flush()
        log(matcher, batch.records)

    monkeypatch.setattr(Matcher, "log", lambda matcher, records: LoggedBatch(records, {}, {}))
    monkeypatch.setattr(Matcher, "act", act_then_log)


def look_who_listens_before_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_then_log(announcer: Announcer, received: ReceivedEvent, *, is_logged: bool) -> bool:
        is_heard = announcer._store.names.of(received.event.name).is_awaited
        announcer._log(received)
        return not is_heard

    monkeypatch.setattr(Announcer, "_is_done_quietly", look_then_log)


def forget_the_further_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "alias_items", lambda run_id, step: [])


def see_nothing(monkeypatch: pytest.MonkeyPatch, when: Callable[[Mapping[str, Any]], bool]) -> None:
    """The looks that messages bring about see nothing where ``when`` holds for their bounds."""

    def half_blind(*args: Any, **bounds: Any) -> LogLook:
        return LogLook() if when(bounds) else look(*args, **bounds)

    monkeypatch.setattr(apply_message, "look", half_blind)


def end_at_the_deadline_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    see_nothing(monkeypatch, lambda bounds: "before" not in bounds)


def resume_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    see_nothing(monkeypatch, lambda bounds: "before" in bounds)


@pytest.mark.parametrize(
    ("break_it", "case"),
    [
        (forget_the_settle, ONE),
        (log_after_the_index_was_asked, ONE),
        (look_who_listens_before_the_log, ENDED),
        (forget_the_further_keys, CASES["an event by the second key"][0]),
        (end_at_the_deadline_without_a_look, TIMED),
        (resume_without_a_look, CASES["two events in two batches"][0]),
        (lambda monkeypatch: None, replace(ONE, lag_is_bounded=False)),
    ],
    ids=[
        "settle",
        "log before index",
        "log of an end before the look who listens",
        "further keys",
        "look at the deadline",
        "look of a resume",
        "bound of the lag",
    ],
)
def test_without_any_one_part_an_event_is_lost_and_the_time_line_says_how(
    monkeypatch: pytest.MonkeyPatch, break_it: Any, case: Case
) -> None:
    break_it(monkeypatch)
    with pytest.raises(BrokenError, match="lost: ") as broken:
        explored(case, MORE_THAN_ENOUGH)
    assert time_line(case, broken.value.schedule) in str(broken.value)


def test_the_look_at_registration_is_for_speed_the_settle_would_find_what_it_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RunJournal, "_look", lambda journal, step: LogLook())
    assert set(explored(ONE, MORE_THAN_ENOUGH).verdicts) == {EXACT}
