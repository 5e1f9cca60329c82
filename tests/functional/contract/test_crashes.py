"""A Lambda dies at each single call that a run's life takes: the outcome is that of a life without deaths."""

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
