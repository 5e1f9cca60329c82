"""A Lambda dies, or fails, at each single call that a run's life takes: the outcome is that of a life without."""

from dataclasses import replace

import pytest

from tests.functional.contract.plays import Ending, deaths, expected, play
from tests.functional.contract.stories import STORIES


@pytest.mark.parametrize("name", STORIES)
def test_whichever_call_a_lambda_dies_at_the_outcome_is_the_same_and_no_kept_step_runs_again(name: str) -> None:
    story = STORIES[name]
    wrong: dict[str, Ending] = {}
    for death in deaths(story):
        ending, watch = play(story, death)
        assert watch.has_died, f"it was to die {death}"
        if ending != expected(story, watch.lost):
            wrong[str(death)] = ending
    assert wrong == {}


@pytest.mark.parametrize("name", ["retry", "wait late"])
def test_whichever_call_an_executor_fails_at_it_makes_good_within_seconds(name: str) -> None:
    """A dead executor's message is back after a quarter of an hour; that of one which was throttled need not be."""
    story = replace(STORIES[name], pause="10s")
    wrong: dict[str, Ending] = {}
    for death in deaths(story):
        if death.function == "executor":
            ending, watch = play(story, replace(death, orderly=True))
            assert watch.has_died, f"it was to fail {death}"
            if ending != expected(story, watch.lost):
                wrong[str(death)] = ending
    assert wrong == {}
