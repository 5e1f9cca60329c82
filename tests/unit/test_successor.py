"""The run that continues another: what it takes over, and what it has of its own."""

from tarry import Event
from tarry_backend.executor.hand_over import successor_id, successor_of
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run, RunSnapshot
from tarry_backend.replay import Continued
from tarry_backend.replay.branch_past import BranchPast

STARTED = Event("account/opened", {"n": 1}, id="e-1", ts=500, user={"id": "7"})
RUN = Run(id="R", function_id="account", event=STARTED, received_at=1_000, started=1_100)


def successor(of: Run, event: Event) -> Run:
    return successor_of(RunSnapshot(of), Continued(event, BranchPast(Position(1_000, "x"))), 9_000, "v7")


def test_a_successor_has_the_data_and_user_that_it_is_given_and_begins_now() -> None:
    run = successor(RUN, Event("account/opened", {"n": 2}, user={"id": "8"}))
    assert run.event == Event("account/opened", {"n": 2}, id="R-continued", ts=9_000, user={"id": "8"})
    assert (run.id, run.function_id, run.version) == (successor_id("R"), "account", "v7")
    assert (run.started, run.received_at) == (9_000, 1_000), "it stands in line where its chain does"


def test_each_run_of_a_chain_knows_the_first_the_one_before_and_its_number() -> None:
    second = successor(RUN, STARTED)
    third = successor(second, STARTED)
    places = [(run.chain.first, run.chain.previous, run.chain.number) for run in (second, third) if run.chain]
    assert places == [("R", "R", 2), ("R", second.id, 3)]
