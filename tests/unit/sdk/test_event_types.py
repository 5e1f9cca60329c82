"""Events as types: how a class gets its event's name, and what its instances are when they are sent."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from tarry import App, Event, EventError, TriggerEvent, event_type
from tarry._wire.eventdata import given
from tarry.eventtypes import as_events, event_name_of


@event_type("order/paid")
@dataclass(frozen=True, slots=True)
class Paid:
    order: int
    notes: tuple[str, ...] = ()


@event_type("order/placed")
class Placed(pydantic.BaseModel):
    order: int
    placed_at: datetime = pydantic.Field(alias="placedAt")


@dataclass(frozen=True)
class PaidByCard(Paid):
    card: str = ""


@event_type("order/paid.twice")
@dataclass(frozen=True)
class PaidTwice(Paid): ...


@dataclass
class Undeclared:
    order: int


@event_type("order/lost")
class NoData: ...


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("order/paid", "order/paid"),
        (Paid, "order/paid"),
        (Placed, "order/placed"),
        (PaidByCard, "order/paid"),
        (PaidTwice, "order/paid.twice"),
    ],
)
def test_a_type_has_the_name_on_it_or_that_of_the_class_it_derives_from(kind: str | type[Any], name: str) -> None:
    assert event_name_of(kind) == name
    assert TriggerEvent(event=kind).event == name


@pytest.mark.parametrize("below", [True, False])
def test_the_decorators_may_stand_in_any_order(below: bool) -> None:
    class Sent:
        order: int

    declare = event_type("order/sent")
    kind = dataclass(slots=True)(declare(Sent)) if below else declare(dataclass(slots=True)(Sent))
    assert event_name_of(kind) == "order/sent"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Undeclared, "put @tarry.event_type"),
        (NoData, "make it a dataclass or a pydantic model"),
        (int, "int is not an event type"),
    ],
)
def test_another_class_is_an_error_that_says_what_to_do(kind: type[Any], says: str) -> None:
    with pytest.raises(EventError, match=says):
        event_name_of(kind)


def test_a_name_that_no_event_can_have_is_an_error_at_the_class() -> None:
    with pytest.raises(EventError, match="128"):
        event_type("x" * 200)


def test_a_trigger_by_type_keeps_the_type() -> None:
    assert TriggerEvent(event=Paid).data_type is Paid
    assert TriggerEvent(event="order/paid").data_type is None


def test_an_instance_is_an_event_of_that_name_with_plain_data() -> None:
    event = Event.of(Paid(7, ("gift",)))
    assert (event.name, event.data) == ("order/paid", {"order": 7, "notes": ["gift"]})
    assert (event.id, event.user, event.source) == ("", None, "")


def test_a_model_is_written_with_its_aliases_as_it_is_read() -> None:
    event = Event.of(Placed(order=7, placedAt=NOON))
    assert event.data == {"order": 7, "placedAt": "2026-01-01T12:00:00Z"}


def test_a_model_with_a_secret_is_no_event_because_its_value_would_be_lost() -> None:
    @event_type("card/stored")
    class Stored(pydantic.BaseModel):
        token: pydantic.SecretStr = pydantic.Field(alias="cardToken")

    with pytest.raises(
        EventError, match=r"event 'card/stored' at .*oken is a SecretStr, which pydantic writes as \*\*"
    ):
        Event.of(Stored(cardToken=pydantic.SecretStr("tok_1")))


def test_id_time_and_user_may_be_given() -> None:
    event = Event.of(Paid(7), id="e1", ts=5, user={"id": 3})
    assert event == Event("order/paid", {"order": 7, "notes": []}, id="e1", ts=5, user={"id": 3})


def test_an_instance_without_a_name_is_an_error() -> None:
    with pytest.raises(EventError, match="Undeclared is not an event type"):
        Event.of(Undeclared(7))


def test_data_that_are_not_json_are_an_error_that_names_the_event_and_the_place() -> None:
    @event_type("order/dated")
    @dataclass
    class Dated:
        at: object

    with pytest.raises(EventError, match=r"event 'order/dated' at at is a datetime"):
        Event.of(Dated(NOON))


def test_what_a_field_declares_is_carried_and_read_though_json_has_no_form_for_it() -> None:
    @event_type("order/dated")
    @dataclass
    class Dated:
        at: datetime

    event = Event.of(Dated(NOON))
    assert event.data == {"at": NOON.isoformat()}
    assert given(event, Dated) == Dated(NOON)


def test_instances_and_events_may_be_sent_together() -> None:
    plain = Event("order/seen", id="e1")
    assert [event.name for event in as_events([Paid(7), plain])] == ["order/paid", "order/seen"]
    assert as_events(plain) == (plain,)


def test_a_model_by_itself_is_one_event_though_it_can_be_iterated() -> None:
    assert [event.name for event in as_events(Placed(order=7, placedAt=NOON))] == ["order/placed"]


@pytest.mark.parametrize("wrong", [Undeclared(7), [Undeclared(7)], 7, None], ids=repr)
def test_what_is_no_event_is_an_error_before_anything_is_sent(wrong: Any) -> None:
    with pytest.raises(EventError, match=r"is not an event: give tarry\.Event"):
        App("shop").send_sync(wrong)


def test_a_type_checker_still_tells_what_is_no_event() -> None:
    """mypy, whose unused ignores are errors, holds that what may be sent is not simply anything."""
    with pytest.raises(EventError):
        App("shop").send_sync({"name": "order/paid"})  # type: ignore[dict-item]
    with pytest.raises(EventError):
        App("shop").send_sync([7])  # type: ignore[list-item]
