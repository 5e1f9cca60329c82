"""A mailbox by itself: what each of those who write it makes of it, in every order."""

import pytest

from tarry import LimitError, SignalReceipt, SignalStatus
from tarry._wire.mailbox import MAX_KEPT, REMEMBERED, Letter, Mailbox, Waiter
from tarry._wire.signal_post import posted

NOON = 1_800_000_000_000
HOUR = 3_600_000

WAITER = Waiter("run-1", "approved")
OTHER = Waiter("run-2", "approved")


def letter(letter_id: str = "s-1", at: int = NOON) -> Letter:
    return Letter(letter_id, {"by": letter_id}, at)


def post(
    box: Mailbox, letter_id: str = "s-1", keep: int | None = None, at: int = NOON
) -> tuple[Mailbox, SignalReceipt]:
    return posted(box, "go", letter(letter_id, at), None if keep is None else at + keep)


def test_a_signal_goes_to_who_waits() -> None:
    box, receipt = post(Mailbox().claimed(WAITER, NOON))
    assert (receipt.status, receipt.run_id) == (SignalStatus.DELIVERED, "run-1")
    assert box.letter_for(WAITER) == letter()
    assert box.letter_for(OTHER) is None


def test_a_signal_for_which_nobody_waits_leaves_nothing_and_may_be_sent_again() -> None:
    box, receipt = post(Mailbox())
    assert (box, receipt.status) == (Mailbox(), SignalStatus.NOBODY_WAITS)
    _, again = post(box.claimed(WAITER, NOON))
    assert again.status is SignalStatus.DELIVERED


def test_a_signal_that_is_kept_is_there_for_a_wait_that_begins_in_time_and_for_no_other() -> None:
    box, receipt = post(Mailbox(), keep=HOUR)
    assert receipt.status is SignalStatus.KEPT
    assert receipt.kept_until is not None
    assert receipt.kept_until.timestamp() * 1000 == NOON + HOUR
    assert box.claimed(WAITER, NOON + HOUR).letter_for(WAITER) == letter()
    late = box.claimed(WAITER, NOON + HOUR + 1)
    assert (late.letter, late.kept) == (None, ())


def test_who_waits_already_gets_the_signal_at_once_though_it_might_be_kept() -> None:
    box, receipt = post(Mailbox().claimed(WAITER, NOON), keep=HOUR)
    assert (receipt.status, box.kept) == (SignalStatus.DELIVERED, ())


def test_signals_that_are_kept_are_given_one_a_wait_the_first_one_first() -> None:
    box = Mailbox()
    for name in ("a", "b"):
        box, _ = post(box, name, keep=HOUR)
    box = box.claimed(WAITER, NOON)
    assert box.letter == letter("a")
    assert box.released(WAITER).claimed(OTHER, NOON).letter == letter("b")


def test_a_second_signal_is_not_for_a_wait_that_has_one() -> None:
    box, _ = post(Mailbox().claimed(WAITER, NOON), "a")
    same, refused = post(box, "b")
    assert (same, refused.status) == (box, SignalStatus.NOBODY_WAITS)
    kept, receipt = post(box, "b", keep=HOUR)
    assert receipt.status is SignalStatus.KEPT
    assert kept.letter_for(WAITER) == letter("a")
    assert kept.released(WAITER).claimed(WAITER, NOON).letter == letter("b")


@pytest.mark.parametrize("taken", [False, True])
def test_the_same_id_again_changes_nothing_and_names_the_run_that_has_it(taken: bool) -> None:
    box, _ = post(Mailbox().claimed(WAITER, NOON))
    if taken:
        box = box.released(WAITER).claimed(OTHER, NOON)
    same, receipt = post(box, keep=HOUR)
    assert same == box
    assert (receipt.status, receipt.run_id) == (SignalStatus.DUPLICATE, "run-1")


def test_the_same_id_as_one_that_is_kept_is_a_duplicate_until_it_is_given_and_after() -> None:
    box, _ = post(Mailbox(), keep=HOUR)
    assert post(box, keep=HOUR)[1] == SignalReceipt(SignalStatus.DUPLICATE, "s-1")
    given = box.claimed(WAITER, NOON)
    assert post(given)[1] == SignalReceipt(SignalStatus.DUPLICATE, "s-1", "run-1")
    assert post(given.released(WAITER).claimed(OTHER, NOON))[1].status is SignalStatus.DUPLICATE


def test_the_last_ids_are_remembered_and_no_more() -> None:
    box = Mailbox()
    for number in range(REMEMBERED + 1):
        box, _ = post(box.claimed(WAITER, NOON), f"s-{number}")
        box = box.released(WAITER)
    assert box.found("s-0") is None
    assert all(box.found(f"s-{number}") for number in range(1, REMEMBERED + 1))


def test_a_mailbox_that_is_full_says_so_until_something_in_it_has_expired() -> None:
    box = Mailbox()
    for number in range(MAX_KEPT):
        box, _ = post(box, f"s-{number}", keep=HOUR)
    with pytest.raises(LimitError, match="signal 'go': 10 signals are already kept"):
        post(box, "one more", keep=HOUR)
    assert post(box, "later", keep=HOUR, at=NOON + HOUR + 1)[1].status is SignalStatus.KEPT


def test_to_claim_and_to_leave_may_be_done_twice_and_by_others_do_nothing() -> None:
    box, _ = post(Mailbox().claimed(WAITER, NOON))
    assert box.claimed(WAITER, NOON) == box
    assert box.released(OTHER) == box
    left = box.released(WAITER)
    assert left.released(WAITER) == left
    assert (left.waiter, left.letter) == (None, None)
