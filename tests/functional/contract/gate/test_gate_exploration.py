"""The gate in every order that its actors' calls to AWS can come in: two runs behind a limit of one.

At no time are two at work, and nobody is left waiting, wherever an executor dies. ``handshake`` has how it explores.
``TARRY_EXPLORE=all`` adds the large cases; ``--log-cli-level=INFO`` shows how many ends there are.
"""

import os
from collections.abc import Callable

import pytest

from tarry_backend.executor.gatekeeper import Gatekeeper
from tarry_backend.model.gate import GateState
from tarry_backend.store.gates import Gates
from tests.functional.contract.gate.gate_stage import GateCase
from tests.functional.contract.gate.gate_theatre import BrokenError, explored

ENOUGH = 500

ALL = pytest.mark.skipif("TARRY_EXPLORE" not in os.environ, reason="large: set TARRY_EXPLORE=all")

CALLS = range(1, 14)
"""The turns of a run's executor, from the run's writing to its grant to the other. The next are large cases."""


def test_two_runs_are_never_at_work_at_the_same_time_and_both_end() -> None:
    assert explored(GateCase(), ENOUGH).ends > 30


@pytest.mark.parametrize("call", CALLS)
def test_so_it_is_wherever_an_executor_dies(call: int) -> None:
    explored(GateCase(dies=("A", call)), ENOUGH)


@ALL
@pytest.mark.parametrize("case", [GateCase(sweeps=True), GateCase(rests=True), GateCase(runs=("A", "B", "C"))])
def test_so_it_is_in_larger_worlds(case: GateCase) -> None:
    explored(case, 1_000_000)


@ALL
@pytest.mark.parametrize("comes_back", ["soon", "later"])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("who", ["A", "B"])
@pytest.mark.parametrize("call", range(1, 17))
def test_so_it_is_when_the_dead_ones_request_comes_late_or_its_message_does(
    who: str, call: int, late: bool, comes_back: str
) -> None:
    explored(GateCase(dies=(who, call), late=late, comes_back=comes_back), 1_000_000)


# That the exploration finds what is wrong: with a guard of the protocol taken out, it does.


def wait_without_a_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = Gates.mark

    def believed(gates: Gates, name: str, limit: int, moment: int) -> tuple[bool, GateState | None]:
        return True, mark(gates, name, limit, moment)[1]

    monkeypatch.setattr(Gates, "mark", believed)
    monkeypatch.setattr(Gatekeeper, "_seat", lambda *_: None)


def forget_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gatekeeper, "sweep", lambda *_: None)


def release_whatever_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gates, "release", lambda gates, name, run_id, hold, moment: gates.leave(name, run_id))


@pytest.mark.parametrize(
    ("break_it", "case", "problem"),
    [
        (wait_without_a_second_look, GateCase(), "left waiting"),
        (forget_the_sweep, GateCase(dies=("A", 1), of="tells a run"), "left waiting"),
        (release_whatever_is_held, GateCase(dies=("A", 3), of="UpdateItem gate", late=True, rests=True), "too many"),
    ],
    ids=["second look", "sweep", "token"],
)
def test_without_one_part_the_promise_is_broken_and_the_time_line_says_how(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None], case: GateCase, problem: str
) -> None:
    break_it(monkeypatch)
    with pytest.raises(BrokenError, match=problem) as broken:
        explored(case, ENOUGH)
    assert "UpdateItem gate#" in str(broken.value)
