"""Expressions of ``TriggerEvent``: about one event, the incoming one, which is called ``event``."""

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import MatchError, check_trigger, trigger_holds
from tests.unit.matching.scenario import RECEIVED_AT, event


@pytest.mark.parametrize(("total", "starts"), [(101, True), (100.5, True), (100, False)])
def test_the_incoming_event_decides(total: float, starts: bool) -> None:
    assert trigger_holds("event.data.total > 100", event({"total": total}), RECEIVED_AT) is starts


@pytest.mark.parametrize("data", [{}, {"total": "101"}])
def test_a_field_that_is_missing_or_no_number_is_an_error_of_the_event(data: dict[str, object]) -> None:
    with pytest.raises(MatchError):
        trigger_holds("event.data.total > 100", event(data), RECEIVED_AT)


def test_now_is_when_the_event_was_received() -> None:
    expression = "timestamp(event.data.due) < now()"
    due = event({"due": "2025-01-01T12:00:00Z"})
    assert not trigger_holds(expression, due, RECEIVED_AT)
    assert trigger_holds(expression, due, RECEIVED_AT + 1)


def test_a_trigger_has_no_other_event() -> None:
    with pytest.raises(ExpressionError, match="unknown name 'async'; known here: event"):
        check_trigger("async.data.total > 100")


@pytest.mark.parametrize("expression", ["event.data.total >", "event.data.flag", "event.data.total + 1", "x > 1"])
def test_what_is_no_question_about_the_event_is_refused_at_once(expression: str) -> None:
    with pytest.raises(ExpressionError):
        check_trigger(expression)


def test_what_is_one_is_accepted() -> None:
    check_trigger('event.data.flag == true && event.data.items.exists(i, i.sku == "A") && has(event.data.x)')
