"""What a run behind a full gate costs does not grow with the number of runs that wait."""

from benchmarks.gate import LIMIT, measure


def test_the_requests_of_a_run_and_the_gate_stay_as_they_are_as_the_line_grows() -> None:
    few, many = measure(50), measure(200)
    for operation, count in many.per_run().items():
        assert count <= few.per_run()[operation] + LIMIT / 50, operation
    assert many.gate_bytes <= few.gate_bytes + 100
