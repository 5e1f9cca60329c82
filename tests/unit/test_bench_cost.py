"""The benchmark of costs: what it makes of its figures."""

import pytest

from benchmarks.cost.price import VCPU, Cost, typical


def test_a_lambdas_time_is_its_cpu_time_at_its_part_of_a_core_and_its_requests_one_after_the_other() -> None:
    assert pytest.approx(0.58, abs=0.002) == VCPU
    assert Cost(cpu=VCPU).milliseconds == pytest.approx(1)
    assert Cost(dynamodb=2, sqs=1, events=1).milliseconds == 2 * 5 + 10 + 20


def test_a_row_is_the_difference_of_two_messages() -> None:
    assert Cost(3, 2, writes=4) - Cost(1, 1, writes=2) == Cost(2, 1, writes=2)
    assert (Cost(20, 10) - Cost(10, 0)) * 0.1 == Cost(1, 1)


def test_each_figure_is_a_median_by_itself() -> None:
    assert typical([Cost(1, 9), Cost(2, 1), Cost(9, 1)]) == Cost(2, 1)
