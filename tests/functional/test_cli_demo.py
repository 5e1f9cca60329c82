"""``tarry demo``, on the files that are shipped and on those of a user."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tarry_backend.matcher import matcher
from tarry_backend.matcher.batch import read_batch
from tarry_dev.cli.commands.registry import app as commands

ADA = {"userId": "u-1", "email": "ada@shop.test"}


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says how wide it is; pytest's workers say 80."""
    monkeypatch.delenv("COLUMNS", raising=False)


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["demo", *arguments], catch_exceptions=False)


def put(name: str, detail: Any, **more: Any) -> dict[str, Any]:
    return {"Source": "test", "DetailType": name, "Detail": detail, **more}


def play(folder: Path, *lines: Any) -> Result:
    file = folder / "mine.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return demo("--events", str(file))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_the_shipped_files_show_resumes_timeouts_a_failure_and_a_fan_out() -> None:
    result = demo()
    assert (result.exit_code, result.stderr) == (0, "")
    shown = squeezed(result.stdout)
    for text in (
        "What became of the runs of onboarding: 2 onboarded, 2 nudged, 1 failed",
        "u-2, bob@shop.test app/onboarding.completed came 2 d 23 h",
        "u-3, cem@shop.test no app/onboarding.completed within 3 d 3 d",
        "u-5 KeyError: 'email'",
        "8 Jan 12:00:01 app/onboarding.completed u-3, cem@shop.test nothing matched",
        "if async.data.userId == event.data.userId",
        "flags/requested (105 times) dark-mode, c-001 … started 105 runs",
        "4 Feb 12:00:00 flags/released dark-mode resumed 100 runs",
        "What became of the runs of early-access: 100 switched on, 5 never released",
    ):
        assert text in shown
    lines = [line for line in result.stdout.splitlines() if "log: " not in line]  # log lines are not folded
    assert max(map(len, lines)) <= 100


def test_the_runs_stand_in_the_order_of_their_events_however_they_overtake_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On AWS runs start side by side: here the last one is always the first."""
    monkeypatch.setattr(matcher, "read_batch", lambda records: read_batch(records)[::-1])
    result = play(
        tmp_path,
        put("app/account.created", ADA),
        put("app/account.created", {"userId": "u-2", "email": "bob@shop.test"}),
        put("app/onboarding.completed", ADA),
    )
    assert result.exit_code == 0
    assert "What became of the runs of onboarding: 1 onboarded, 1 nudged" in squeezed(result.stdout)


def test_a_users_file_goes_to_the_examples_that_it_starts(tmp_path: Path) -> None:
    result = play(
        tmp_path,
        put("agent/task.requested", {"taskId": "t-1", "task": "Tidy [bold]up[/bold]"}),
        put("shop/order.placed", json.dumps({"orderId": "o-1"})),
        "",
        {"advance": "1h"},
        put("agent/plan.reviewed", {"taskId": "t-1", "revision": 0, "approved": True}),
        put("shop/payment.received", {"orderId": "o-1", "paymentId": "p-1"}),
    )
    assert result.exit_code == 0
    shown = squeezed(result.stdout)
    for text in (
        "examples.approval:app gets the events of mine.jsonl",
        "t-1, Tidy [bold]up[/bold]",
        "What became of the runs of agent: 1 done",
        "examples.order:app gets the events of mine.jsonl",
        "What became of the runs of order: 1 out of stock",
        "and 2 that no function here starts with or waits for: agent/task.requested, agent/plan.reviewed",
    ):
        assert text in shown
    assert "onboarding:app gets" not in shown


def test_the_clock_begins_at_the_first_time_and_moves_to_later_ones(tmp_path: Path) -> None:
    result = play(
        tmp_path,
        put("app/account.created", ADA, Time="2025-11-03T09:00:00+01:00"),
        put("app/onboarding.completed", ADA, Time="2025-11-06T07:59:00Z", Resources=[], EventBusName="default"),
    )
    shown = squeezed(result.stdout)
    assert "3 Nov 08:00:00 app/account.created" in shown
    assert "6 Nov 07:59:00 app/onboarding.completed" in shown
    assert "1 onboarded" in shown


def test_an_app_of_ones_own_is_played_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pinger.py").write_text(
        '"""Pings, and what they do."""\n'
        "import tarry\n"
        'app = tarry.App("pinger")\n'
        '@app.create_function(fn_id="ping", trigger=tarry.TriggerEvent(event="ping/*"))\n'
        "def ping(ctx: tarry.ContextSync) -> dict:\n"
        '    ctx.step.sleep("nap", "400d" if ctx.event.data["long"] else "1h")\n'
        '    return {"pong": 1}\n'
    )
    (tmp_path / "pings.jsonl").write_text(
        f"{json.dumps(put('ping/a', {'long': False}))}\n{json.dumps(put('ping/b', {'long': True}))}\n"
    )
    monkeypatch.chdir(tmp_path)
    result = demo("--events", "pings.jsonl", "--app", "pinger:app")
    shown = squeezed(result.stdout)
    assert "Pings, and what they do." in shown
    assert 'the runs of ping: 1 {"pong": 1}, 1 failed' in shown
    assert "DurationError: " in shown


def test_a_file_for_tarry_send_is_played_too(tmp_path: Path) -> None:
    result = play(tmp_path, {"name": "app/account.created", "data": ADA}, {"advance": "1d"})
    assert "the runs of onboarding: 1 nudged" in squeezed(result.stdout)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "this is not JSON"),
        ([1], "a line must be a JSON object, not [1]"),
        ({"Source": "a", "DetailType": "b"}, "Detail is missing"),
        ({"source": "a", "DetailType": "b", "Detail": {}}, "an entry has no field 'source'"),
        ({"name": "b", "dta": {}}, "an event has no field 'dta'; its fields are name, data, id, user, ts"),
        ({"data": {}}, "the name is missing"),
        ({"name": "b", "data": 1}, "data must be an object, not 1"),
        (put("b", "{oops"), "Detail is a string that is not JSON"),
        (put("b", [1]), "Detail must be a JSON object, not '[1]'"),
        (put("", {}), "give a string of 1 to 128 characters"),
        (put("b" * 129, {}), "EventBridge allows at most 128"),
        (put("b", {"large": "x" * 1_100_000}), "the bus carries at most 1,044,480"),
        (put("b", {"page": "a\uffff"}), "Detail holds U+FFFF, which SQS refuses"),
        (
            put("b", {}, Time="yesterday"),
            "Time must be such as 2026-01-05T12:00:00Z, or in Unix seconds, not 'yesterday'",
        ),
        (put("b", {}, Time="2026-01-05T12:00:00"), "has no time zone: end it with Z"),
        (put("b", {}, Time=10**20), "Time must be such as"),
        ({"advance": "3q"}, "'3q' is not a duration"),
        ({"advance": "-1h"}, "time only goes forward, not by '-1h'"),
        ({"advance": None}, "None is not a duration"),
        ({"advance": "1h", "Source": "a"}, "a line that lets time pass has no other field"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_played(tmp_path: Path, line: Any, says: str) -> None:
    result = play(tmp_path, put("app/account.created", ADA), "", line)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{tmp_path}/mine.jsonl:3: " in result.stderr
    assert says in result.stderr


def test_all_wrong_lines_are_named_at_once_up_to_ten(tmp_path: Path) -> None:
    result = play(tmp_path, *["nonsense"] * 12)
    assert [f":{number}: this" in result.stderr for number in range(1, 13)] == [True] * 10 + [False] * 2
    assert result.stderr.endswith("and 2 more\n")


def test_a_file_that_is_not_there_is_empty_or_starts_nothing_is_an_error(tmp_path: Path) -> None:
    assert f"cannot read {tmp_path / 'none'}: No such file" in demo("--events", str(tmp_path / "none")).stderr
    assert "has no events" in play(tmp_path, "").stderr
    nothing = play(tmp_path, put("app/acount.created", ADA))
    assert nothing.exit_code == 1
    assert "would start nothing: it sends app/acount.created" in squeezed(nothing.stderr)
    assert "app/account.created" in nothing.stderr
