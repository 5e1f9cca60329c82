"""What starts a function."""

import pytest

from tarry import EventError, TriggerEvent, UsageError


@pytest.mark.parametrize(
    ("trigger", "name", "starts"),
    [
        ("app/paid", "app/paid", True),
        ("app/paid", "app/paid.late", False),
        ("app/paid", "App/paid", False),
        ("app/*", "app/paid", True),
        ("app/*", "app/", True),
        ("app/*", "app", False),
        ("app/*", "shop/app/paid", False),
        ("*", "anything", True),
        ("app.*", "app.x", True),
        ("app.*", "appx", False),
        ("a[b", "a[b", True),
    ],
)
def test_a_trigger_names_events_wholly_or_by_their_beginning(trigger: str, name: str, starts: bool) -> None:
    assert TriggerEvent(trigger).names(name) == starts


@pytest.mark.parametrize("name", ["*/paid", "app/*/paid", "**", "app/**"])
def test_a_star_stands_only_at_the_end(name: str) -> None:
    with pytest.raises(UsageError, match="put the \\* at the end"):
        TriggerEvent(name)


@pytest.mark.parametrize("name", ["", None, 7, "x" * 129], ids=["empty", "none", "number", "too long"])
def test_e7_a_name_that_no_event_can_have_is_an_error(name: str) -> None:
    with pytest.raises(EventError, match="128"):
        TriggerEvent(name)
