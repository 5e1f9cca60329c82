"""The fuzzer finds what is broken, and plays each entry."""

from typing import Any

import pytest
from hypothesis import strategies as st

from tarry_dev.cloud import Cloud
from tests.fuzz.__main__ import Tally, turn
from tests.fuzz.entries import ENTRIES, within


class Broken:
    """An entry that dies of lists of three and more."""

    name = "broken"
    weight = 1
    inputs = st.lists(st.integers(), max_size=10)

    def __init__(self, cloud: Cloud) -> None:
        pass

    def play(self, given: Any) -> int:
        assert len(given) < 3, "it died"
        return len(given)


def test_a_finding_is_shrunk_to_its_smallest_input() -> None:
    tally = Tally()
    turn(Broken, tally, number=1)
    assert tally.last == [0, 0, 0]
    assert tally.finding is not None
    assert "[0, 0, 0]" in tally.finding
    assert "it died" in tally.finding


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_plays_with_its_inputs(name: str) -> None:
    tally = Tally()
    turn(ENTRIES[name], tally, number=3, plays=4)
    assert tally.finding is None, tally.finding
    assert tally.inputs >= 4


def test_an_input_that_takes_long_is_a_finding() -> None:
    with pytest.raises(AssertionError, match="a sum took"), within("a sum", inputs=0):
        sum(range(100_000))
