"""The agent that asks before it acts: three ends."""

from typing import Any

import pytest

from examples.approval import MAX_REVISIONS, app
from tarry_dev.cloud.host import Host
from tarry_dev.pytest_plugin import MakeHost


@pytest.fixture
def host(tarry_host: MakeHost) -> Host:
    host = tarry_host(app)
    host.send("agent/task.requested", {"taskId": "t-1", "task": "Move the blog"})
    return host


def review(host: Host, revision: int, *, comment: str = "", **changes: Any) -> None:
    data = {"taskId": "t-1", "revision": revision, "approved": not comment, "comment": comment}
    host.send("agent/plan.reviewed", data | changes)


def test_an_approved_plan_is_carried_out(host: Host) -> None:
    review(host, 0)
    run = host.run("agent")
    assert run.output == "done"
    assert run.steps["carry-out"].output == ["done: Do it: Move the blog", "done: Check the result"]


def test_a_rejected_plan_is_revised_and_asked_for_again(host: Host) -> None:
    review(host, 0, comment="Back it up first")
    run = host.run("agent")
    assert run.status == "running"
    assert run.steps["propose-plan:1"].output[0] == "Back it up first"
    review(host, 1)
    assert run.output == "done"


def test_silence_for_a_day_is_no_consent(host: Host) -> None:
    host.advance("1d")
    run = host.run("agent")
    assert run.output == "expired"
    assert "carry-out" not in run.steps


def test_after_so_many_revisions_the_agent_gives_up(host: Host) -> None:
    for revision in range(MAX_REVISIONS + 1):
        review(host, revision, comment="No")
    run = host.run("agent")
    assert run.output == "rejected"
    assert "carry-out" not in run.steps


def test_a_second_click_on_the_old_plan_approves_no_new_one(host: Host) -> None:
    review(host, 0, comment="Back it up first")
    review(host, 0)
    assert host.run("agent").status == "running"


def test_a_review_of_another_task_changes_nothing(host: Host) -> None:
    review(host, 0, taskId="t-2")
    assert host.run("agent").status == "running"
