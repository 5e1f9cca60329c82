"""Runs on a deployed stack, driven by events from outside."""

import json
import statistics
import subprocess
import time
from functools import partial

from tests.e2e.cloud import Cloud
from tests.e2e.emulator import TOOLS
from tests.e2e.outside import Run, Stack, eventually

LOST = 60_000
"""In milliseconds after a deadline. The sweep sends a timer anew that is so late: then its first message was lost. How
prompt deadlines are is measured and printed. A bound on it would judge the machine: SQS counts delays in whole seconds,
MiniStack looks at an idle queue once a second, and a Lambda may start cold."""


def test_a_run_goes_on_with_the_event_that_matches(stack: Stack) -> None:
    stack.put("app/account.created", {"userId": "u-1", "email": "ada@shop.test", "seconds": 600})
    stack.put("app/account.created", {"userId": "u-2", "email": "bob@shop.test", "seconds": 600})
    stack.waiting("onboarding", "onboarded", userId="u-1")
    stack.waiting("onboarding", "onboarded", userId="u-2")

    stack.put("app/onboarding.completed", {"userId": "u-1", "email": "ada@new.test"})

    run = stack.ended("onboarding", userId="u-1")
    assert (run.status, run.output) == ("finished", "onboarded")
    assert run.steps["tips"].output == {"to": "ada@new.test", "template": "tips"}
    assert "nudge" not in run.steps
    other = stack.run_of("onboarding", userId="u-2")
    assert other is not None
    assert other.steps["onboarded"].status == "waiting"


def test_deadlines_are_kept_and_how_late_is_measured(stack: Stack, figures: list[str]) -> None:
    """The median of five. One goes before them: the timers start cold, which takes seconds while the machine is busy
    with other Lambdas' starts."""
    stack.put("app/account.created", {"userId": "first", "email": "eve@shop.test", "seconds": 1})
    stack.ended("onboarding", userId="first")
    several = range(6, 11)
    stack.put(
        "app/account.created",
        *({"userId": f"silent-{n}", "email": "eve@shop.test", "seconds": n} for n in several),
    )
    runs = [stack.ended("onboarding", userId=f"silent-{n}") for n in several]
    assert {(run.status, run.output) for run in runs} == {("finished", "nudged")}
    assert_prompt(runs, figures, "deadlines 6 to 10 s away")


def test_a_person_approves(stack: Stack) -> None:
    stack.put("agent/task.requested", {"taskId": "t-1"}, {"taskId": "t-2"})
    stack.waiting("approval", "review", taskId="t-1")
    stack.waiting("approval", "review", taskId="t-2")

    stack.put(
        "agent/plan.reviewed",
        {"taskId": "t-1", "reviewer": "mallory", "approved": True},
        {"taskId": "t-2", "reviewer": "grace", "approved": False},
    )
    assert stack.ended("approval", taskId="t-2").output == "rejected"
    stack.put("agent/plan.reviewed", {"taskId": "t-1", "reviewer": "ada", "approved": True})
    assert stack.ended("approval", taskId="t-1").output == "did 2 actions"


def test_an_event_from_elsewhere_resumes_a_run(stack: Stack, cloud: Cloud) -> None:
    """Put by the AWS CLI, from a source that has never heard of Tarry, in the shape of S3's events."""
    stack.put("app/upload.requested", {"key": "reports/1.pdf"})
    stack.waiting("upload", "created", key="reports/1.pdf")

    entry = {
        "EventBusName": stack.outputs["Bus"],
        "Source": "com.elsewhere.storage",
        "DetailType": "Object Created",
        "Detail": json.dumps({"bucket": {"name": "uploads"}, "object": {"key": "reports/1.pdf", "size": 4711}}),
    }
    said = subprocess.run(
        [TOOLS / "aws", "events", "put-events", "--entries", json.dumps([entry])],
        env=cloud.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr

    assert stack.ended("upload", key="reports/1.pdf").output == 4711


def test_one_event_resumes_two_hundred_runs(stack: Stack, figures: list[str]) -> None:
    others = stack.count("feature", "running")
    stack.put("app/trial.started", *({"user": n, "flag": "beta"} for n in range(200)), {"user": -1, "flag": "other"})
    eventually(lambda: stack.open_waits("flag/enabled") == others + 201)

    put_at = time.time() * 1000
    stack.put("flag/enabled", {"flag": "beta"})

    eventually(lambda: stack.count("feature", "finished") == 200)
    shown = [run.steps["show"] for run in stack.runs("feature", "finished")]
    assert {step.output for step in shown} == {"shown"}
    eventually(lambda: stack.count("feature", "running") == others + 1)
    last = max(step.began for step in shown) - put_at
    figures.append(f"one event that resumes 200 runs: {last / 1000:.1f} s from put-events to the last run's next step")


def test_an_error_in_the_app_ends_the_run_and_is_told_on_the_bus(stack: Stack) -> None:
    told = stack.listen("tarry/function.failed")

    stack.put("app/faulty.called", {"n": 1})

    run = stack.ended("faulty", n=1)
    assert run.status == "failed"
    assert run.error["name"] == "ZeroDivisionError"
    message = eventually(lambda: told(run.id))
    assert message["detail-type"] == "tarry/function.failed"
    assert "ZeroDivisionError" in json.dumps(message["detail"])


def test_from_event_to_next_step(stack: Stack, figures: list[str]) -> None:
    """Fifty waits, one after another: how long a run that waits takes to go on."""
    others = stack.count("release", "finished")
    stack.put("app/release.asked", *({"n": n} for n in range(50)))
    eventually(lambda: stack.open_waits("app/release.told") == 50)
    put_at = {}
    for n in range(50):
        put_at[n] = time.time() * 1000
        stack.put("app/release.told", {"n": n})
        eventually(partial(has_finished, stack, others + n + 1))
    runs = {run.event["data"]["n"]: run for run in stack.runs("release", "finished")}
    took = [runs[n].steps["after"].began - put_at[n] for n in range(50)]
    median, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    figures.append(f"put-events to the run's next step, over {len(took)}: median {median:.0f} ms, p95 {p95:.0f} ms")


def test_a_deadline_that_the_sweep_must_bring_is_kept(stack: Stack, figures: list[str], long_wait: None) -> None:
    run = eventually(
        lambda: next(
            (run for run in stack.runs("onboarding", "finished") if "silent-for-long" in str(run.event)), None
        ),
        patience=260,
    )
    assert run.output == "nudged"
    assert_prompt([run], figures, "a deadline 190 s away")


def has_finished(stack: Stack, count: int) -> bool:
    """Whether so many runs of the function ``release`` have."""
    return stack.count("release", "finished") >= count


def assert_prompt(runs: list[Run], figures: list[str], what: str) -> None:
    """The step after the wait began at the deadline or later, never before, and no message was lost on the way."""
    late = [run.steps["nudge"].began - (run.steps["onboarded"].deadline or 0) for run in runs]
    median = statistics.median(late)
    figures.append(f"{what}: the run's next step began {median:.0f} ms after it (median; the latest {max(late)} ms)")
    assert min(late) >= 0
    assert max(late) < LOST
