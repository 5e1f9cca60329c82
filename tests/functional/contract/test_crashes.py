"""A Lambda dies, or fails, at each single call that a run's life takes: the outcome is that of a life without."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.functional.contract.deaths import Death
from tests.functional.contract.plays import Ending, deaths, deaths_before_an_event, expected, play
from tests.functional.contract.stories import ANSWERS, STORIES, Story

WITH_EVENTS = ANSWERS | {name: story for name, story in STORIES.items() if story.events or story.meanwhile}


def wrong_endings(story: Story, fates: Iterable[Death]) -> dict[str, Ending]:
    """How the story ends with each of these deaths, where it is not as it should."""
    wrong: dict[str, Ending] = {}
    for death in fates:
        ending, watch = play(story, death)
        assert watch.has_died, f"it was to die {death}"
        if ending != expected(story, watch.lost):
            wrong[str(death)] = ending
    return wrong


@pytest.mark.parametrize("name", STORIES)
def test_whichever_call_a_lambda_dies_at_the_outcome_is_the_same_and_no_kept_step_runs_again(name: str) -> None:
    story = STORIES[name]
    assert wrong_endings(story, deaths(story)) == {}


@pytest.mark.parametrize("name", WITH_EVENTS)
def test_w36_whichever_call_an_executor_dies_at_the_events_that_come_meanwhile_are_not_lost(name: str) -> None:
    """A dead executor's message is back after a quarter of an hour; the story's events come a minute after another."""
    story = WITH_EVENTS[name].hastened(pause="1m", rest="20m")
    assert wrong_endings(story, deaths_before_an_event(story)) == {}


def test_w36_whichever_call_an_executor_is_throttled_at_the_events_that_come_meanwhile_are_not_lost() -> None:
    """The message is back after two seconds; the events come half a second after another."""
    story = ANSWERS["approvals"].hastened(pause="500ms", rest="1m")
    fates = [replace(death, orderly=True) for death in deaths_before_an_event(story)]
    assert wrong_endings(story, fates) == {}


@pytest.mark.parametrize("name", ["retry", "wait late"])
def test_whichever_call_an_executor_fails_at_it_makes_good_within_seconds(name: str) -> None:
    """A dead executor's message is back after a quarter of an hour; that of one which was throttled need not be."""
    story = replace(STORIES[name], pause="10s")
    fates = [replace(death, orderly=True) for death in deaths(story) if death.function == "executor"]
    assert wrong_endings(story, fates) == {}
