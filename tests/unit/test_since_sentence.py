"""When a wait begins to listen is said in one sentence, the same wherever a reader looks for it."""

import re

import pytest

from tarry.eventwaits import EventWaits
from tarry.stepsync import StepSync
from tests.unit.repository import ROOT

SENTENCE = (
    "The first wait on a name sees events since the run's last run, send_event or invoke began, or its last sleep "
    "ended, whichever is later; without either, since the event that started the run. Waits in between do not move "
    "it. A further wait on the name starts where the last one left off."
)


def words(text: str | None) -> str:
    """The text on one line, without marks of code."""
    return re.sub(r"\s+", " ", (text or "").replace("`", ""))


@pytest.mark.parametrize("page", ["README.md", "docs/design.md", "docs/features.md", "docs/migrating.md"])
def test_each_page_says_since_when_events_count(page: str) -> None:
    assert SENTENCE in words((ROOT / page).read_text())


@pytest.mark.parametrize("tool", [EventWaits.wait_for_event, StepSync.wait_for_event])
def test_both_faces_say_since_when_events_count(tool: object) -> None:
    assert SENTENCE in words(tool.__doc__)
