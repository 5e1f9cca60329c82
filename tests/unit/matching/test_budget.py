"""The steps that a question may take."""

import pytest

from tarry._cel.budget import Budget, StepsError


def test_a_budget_of_three_steps_gives_three_and_no_fourth() -> None:
    budget = Budget(3)
    for _ in range(3):
        budget.take()
    with pytest.raises(StepsError):
        budget.take()


def test_steps_may_be_taken_together() -> None:
    Budget(3).take(3)
    with pytest.raises(StepsError):
        Budget(3).take(4)
