"""The file of the events that several apps of ``tarry dev`` share."""

from contextlib import closing
from pathlib import Path

import pytest

from tarry import UsageError
from tarry_dev.bus_file import BusFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.bus"


def test_an_event_is_kept_until_each_app_has_had_it(file: Path) -> None:
    BusFile.prepare(file, ["a:app", "b:app"])
    with closing(BusFile(file, "a:app")) as one, closing(BusFile(file, "b:app")) as other:
        one.claim("a")
        other.claim("b")
        one.put("", "first")
        assert [(each.target, each.bus, each.event) for each in other.new()] == [("a:app", "", "first")]
        assert [each.event for each in other.new()] == ["first"]  # not noted: it comes again
        assert BusFile.standing(file, ["a", "b"]) == (1, False)
        other.note(1)
        assert other.new() == []
        assert [each.event for each in one.new()] == ["first"]
        one.note(1)
        assert BusFile.standing(file, ["a", "b"]) == (1, True)
        one.put("", "second")
        assert [(each.number, each.event) for each in other.new()] == [(2, "second")]  # no number comes twice


def test_an_app_that_was_there_before_gets_what_it_missed_and_a_new_one_what_comes(file: Path) -> None:
    BusFile.prepare(file, ["a:app", "b:app"])
    with closing(BusFile(file, "a:app")) as one:
        one.put("", "first")
    BusFile.prepare(file, ["a:app", "b:app", "c:app"])
    with closing(BusFile(file, "b:app")) as old, closing(BusFile(file, "c:app")) as new:
        assert [each.event for each in old.new()] == ["first"]
        assert new.new() == []
        old.put("", "second")
        assert [each.event for each in new.new()] == ["second"]


def test_an_app_that_is_served_no_longer_keeps_no_event(file: Path) -> None:
    BusFile.prepare(file, ["a:app", "gone:app"])
    BusFile.prepare(file, ["a:app"])
    with closing(BusFile(file, "a:app")) as one, closing(BusFile(file, "gone:app")) as gone:
        one.put("", "first")
        one.note(1)
        assert one.new() == gone.new() == []
        BusFile.prepare(file, ["a:app", "gone:app"])
        assert gone.new() == []


def test_two_apps_of_one_id_are_refused_and_a_restart_is_not(file: Path) -> None:
    BusFile.prepare(file, ["a:app", "b:app"])
    with closing(BusFile(file, "a:app")) as one, closing(BusFile(file, "b:app")) as other:
        one.claim("shop")
        one.claim("shop")
        with pytest.raises(UsageError, match="b:app and a:app are both app 'shop'"):
            other.claim("shop")
    BusFile.prepare(file, ["a:app", "b:app"])
    with closing(BusFile(file, "b:app")) as other:
        other.claim("shop")
