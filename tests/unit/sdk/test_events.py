"""Events, their names and ids."""

import time

import pytest

from tarry import Event, EventError
from tarry.event import base32, check_name, new_id


def test_an_id_is_unique_and_sorts_by_the_millisecond_in_which_it_was_made() -> None:
    earlier = [new_id() for _ in range(200)]
    time.sleep(0.002)
    later = [new_id() for _ in range(200)]
    assert len({*earlier, *later}) == 400
    assert max(earlier) < min(later)
    assert {len(one) for one in earlier} == {26}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0" * 26), (31, "0" * 25 + "Z"), (32, "0" * 24 + "10"), (2**128 - 1, "7" + "Z" * 25)],
)
def test_128_bits_are_26_characters(number: int, text: str) -> None:
    assert base32(number) == text


@pytest.mark.parametrize("name", ["a", "app/order paid #7", "größe/😀", "x" * 128])
def test_e7_a_name_may_hold_any_characters(name: str) -> None:
    assert check_name(name) == name


def test_e7_a_name_of_200_characters_is_an_error_that_names_the_limit() -> None:
    with pytest.raises(EventError, match="has 200 characters; EventBridge allows at most 128"):
        check_name("x" * 200)


@pytest.mark.parametrize("name", ["", None, 7], ids=repr)
def test_e7_what_is_no_name_is_an_error(name: object) -> None:
    with pytest.raises(EventError, match="give a string of 1 to 128 characters"):
        check_name(name)


def test_an_event_has_the_time_at_which_it_was_made_and_no_id_until_it_is_sent() -> None:
    before = time.time_ns() // 1_000_000
    event = Event("paid")
    assert before <= event.ts <= time.time_ns() // 1_000_000
    assert (event.id, event.data, event.user, event.source) == ("", {}, None, "")


def test_an_event_is_dumped_to_a_dict_and_made_from_one() -> None:
    event = Event("order/paid", {"id": 7}, id="e1", ts=5, user={"id": 3}, source="tarry.shop")
    raw = event.model_dump()
    assert raw == {
        "name": "order/paid",
        "data": {"id": 7},
        "id": "e1",
        "ts": 5,
        "user": {"id": 3},
        "source": "tarry.shop",
    }
    assert Event.from_raw(raw) == event
    assert Event.from_raw({"name": "order/paid", "v": "1"}).data == {}


@pytest.mark.parametrize(
    "raw", [7, "order/paid", {}, {"name": 7}, {"name": "a", "data": []}, {"name": "a", "ts": True}]
)
def test_what_is_no_event_is_an_error(raw: object) -> None:
    with pytest.raises(EventError):
        Event.from_raw(raw)
