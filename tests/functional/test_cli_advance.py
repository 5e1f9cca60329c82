"""``tarry advance``: the time of a ``tarry dev`` moves, and nobody else's."""

from pathlib import Path

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served, succeed

DAY = 86_400_000


def test_time_moves_by_a_span_or_to_the_next_timer_and_stays_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dev = Dev("examples.onboarding:app", tmp_path)
    try:
        refused = ask("advance", "--next")
        assert refused.exit_code == 1
        assert "there is no next timer" in refused.stderr

        succeed("send", "app/account.created", '{"userId": "1", "email": "a@shop.test"}')
        eventually(lambda: document("waits")["waits"])
        moved = document("advance", "2d")
        assert 2 * DAY - 60_000 < moved["moved"] <= 2 * DAY  # the rest passed by itself
        succeed("send", "app/account.created", '{"userId": "2", "email": "b@shop.test"}')
        eventually(lambda: len(document("waits")["waits"]) == 2)

        assert succeed("advance", "1s").startswith("moved 1 s; it is now ")
        assert "ahead of real time" in succeed("advance", "--next")
        finished, running = _by_user()
        assert (finished, running) == (["1"], ["2"])  # returned once it had happened
    finally:
        dev.stop()

    dev = Dev("examples.onboarding:app", tmp_path)
    try:
        succeed("send", "app/onboarding.completed", '{"userId": "2"}')  # received after the wait began, by its time
        eventually(lambda: _by_user() == (["1", "2"], []))
        assert {run["output"] for run in document("runs")["runs"]} == {"nudged", "onboarded"}
    finally:
        dev.stop()
    # The second user's three days end as far ahead as the test was quick.
    assert "time is 2 d 23 h ahead" in dev.output or "time is 3 d ahead" in dev.output


APP = """
import tarry

app = tarry.App("mine")


@app.create_function(fn_id="fail", trigger=tarry.TriggerEvent(event="order/placed"), retries=0)
async def fail(ctx: tarry.Context):
    raise ValueError("no stock")


@app.create_function(fn_id="rest", trigger=tarry.TriggerEvent(event="order/placed"))
async def rest(ctx: tarry.Context):
    await ctx.step.sleep("rest", "30d")
"""


def test_many_runs_are_chosen_by_the_moved_time_too(tmp_path: Path) -> None:
    """Without ``--until``, a command takes the runs up to now: the runs of this test begin six days later than that."""
    with served(tmp_path, APP):
        succeed("advance", "6d")
        succeed("send", "order/placed", "{}")
        eventually(lambda: sorted(run["status"] for run in document("runs")["runs"]) == ["failed", "running"])
        for command in (["retry", "--function", "fail"], ["rerun", "--function", "fail", "--status", "failed"]):
            assert len(document(*command, "--since", "1h", "--dry-run")["runs"]) == 1, command
            assert len(document(*command, "--dry-run")["runs"]) == 1, command
        assert len(document("cancel", "--function", "rest", "--dry-run")["runs"]) == 1
        assert document("check", "mine:app")["checked"] == {"rest": 1}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["3d", "--stack", "shop"], "the time of a stack on AWS (shop) cannot be moved"),
        ([], "say how far, such as tarry advance 3d"),
        (["3d", "--next"], "say how far, such as tarry advance 3d"),
        (["3d"], "no tarry dev runs in"),
        (["--", "-1h"], "time only goes forward, not by -1h"),
        (["\u00b2"], "is not a duration"),
    ],
)
def test_what_cannot_be_moved_is_refused(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ask("advance", *arguments)
    assert result.exit_code == 1
    assert says in result.stderr


def _by_user() -> tuple[list[str], list[str]]:
    runs = document("runs")["runs"]
    of = {status: [run["event"]["data"]["userId"] for run in runs if run["status"] == status] for status in _ENDS}
    return sorted(of["finished"]), sorted(of["running"])


_ENDS = ("finished", "running")
