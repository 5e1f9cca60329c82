"""A function without a limit is paused, drained and resumed, if it or its app is created as pausable."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Cancel, Concurrency, Context, Event, Timeouts, TriggerEvent, UsageError
from tarry_backend.deploy.function_facts import FunctionFacts, parts_of_facts, read_facts
from tarry_backend.deploy.manifest import Manifest
from tarry_backend.executor.open_line import AT_ONCE
from tarry_backend.matching.gate_keys import pause_gate
from tarry_backend.model.trace import NoRun
from tarry_backend.queues.function_control import ControlError
from tarry_backend.remote.manifest import read_manifest
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Chaos, Cloud, Host, MovedClock
from tests.functional.contract.diary import Diary

PLACED = TriggerEvent(event="placed")


def shop(diary: Diary, *, app: App | None = None, **options: Any) -> App:
    app = app or App("shop")

    @app.create_function(fn_id="ship", trigger=PLACED, **options)
    async def ship(ctx: Context) -> bool:
        n = ctx.event.data["n"]
        await ctx.step.run("pack", diary.write, f"pack {n}")
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.n", timeout="1h")
        await ctx.step.run("ship", diary.write, f"ship {n}")
        return paid is not None

    return app


def placed(*numbers: int) -> list[Event]:
    return [Event("placed", {"n": number}, id=f"o-{number}") for number in numbers]


def items(host: Host) -> list[str]:
    """The keys of gates and lines."""
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return [item["pk"]["S"] for item in scanned if item["pk"]["S"].startswith(("gate#", "line#"))]


def waiting(host: Host) -> list[str]:
    return [each.run_id for each in runtime().store.gates.line(pause_gate("ship"), 1_000)]


def counted(host: Host, do: Callable[[], object]) -> Counter[str]:
    """The executor's requests to the table."""
    calls: Counter[str] = Counter()

    def note(call: Call) -> bool:
        calls[f"{call.operation}"] += call.function == "executor" and call.service == "dynamodb" and not call.answered
        return False

    with host.cloud.dies(note):
        do()
    return +calls


def test_a_paused_function_without_a_limit_keeps_its_starts_and_waits_and_goes_on_in_order(
    host: Host, diary: Diary
) -> None:
    deploy(shop(diary, pausable=True))
    host.send(placed(0, 1))
    host.pause("ship")
    host.advance("11s")
    host.send(Event("paid", {"n": 0}))
    host.send(placed(7))
    host.advance("3h")
    assert diary.entries == ["pack 0", "pack 1"]
    host.resume("ship")
    host.advance("30s")
    assert diary.entries[2:] == ["ship 0", "ship 1", "pack 7"]
    host.advance("2h")
    assert [run.output for run in host.runs("ship")] == [True, False, False]
    assert not waiting(host)


def test_so_it_drains(app: App, host: Host, diary: Diary) -> None:
    shop(diary, app=app, pausable=True)
    host.send(placed(0))
    host.drain("ship")
    host.advance("11s")
    host.send(placed(1))
    host.send(Event("paid", {"n": 0}))
    assert diary.entries == ["pack 0", "ship 0"]
    assert [trace.why for trace in host.receipt("o-1").unstarted] == [NoRun.DRAINING]


def test_while_it_is_not_paused_the_option_costs_one_read_each_ten_seconds_in_a_process(app: App, host: Host) -> None:
    for name, pausable in (("free", False), ("ship", True)):

        @app.create_function(fn_id=name, trigger=TriggerEvent(event=f"{name}/placed"), pausable=pausable)
        async def work(ctx: Context) -> None:
            await ctx.step.wait_for_event("paid", event="paid", match="data.n", timeout="1h")
            await ctx.step.sleep("rest", "2s")

    def play(name: str, n: int) -> None:
        host.send(f"{name}/placed", {"n": n})
        host.send(f"{name}/placed", {"n": n})
        host.send("paid", {"n": n})
        host.advance("5s")

    for number, name in enumerate(("free", "ship")):
        play(name, number)  # then the process knows the names
        host.advance("11s")
    plain = counted(host, lambda: play("free", 7))
    assert counted(host, lambda: play("ship", 8)) - plain == Counter({"GetItem": 1})
    assert counted(host, lambda: play("ship", 9))["GetItem"] == plain["GetItem"]
    assert not items(host)


def test_a_function_that_is_not_pausable_says_what_to_write_and_what_can_be_done_at_once(
    host: Host, diary: Diary
) -> None:
    deploy(shop(diary))
    for control in (host.pause, host.drain, host.resume):
        with pytest.raises(ControlError, match=r"pausable=True.*event source mapping of its runs queue"):
            control("ship")
    deploy(shop(diary, pausable=True))
    with pytest.raises(ControlError, match="has no limit of concurrency that could be another one"):
        host.limit("ship", 3)


def test_a_function_follows_its_app_unless_it_says_otherwise() -> None:
    app = App("shop", pausable=True)

    async def work(ctx: Context) -> None: ...

    one = app.create_function(fn_id="one", trigger=PLACED, on_failure=work)(work)
    two = app.create_function(fn_id="two", trigger=PLACED, pausable=False)(work)
    assert (one.is_pausable, two.is_pausable, app.functions["one-failure"].is_pausable) == (True, False, True)
    limited = App("shop").create_function(fn_id="one", trigger=PLACED, concurrency=1)(work)
    assert limited.is_pausable
    with pytest.raises(UsageError, match=r"function 'one': pausable=False does not go together with concurrency"):
        App("shop").create_function(fn_id="one", trigger=PLACED, concurrency=1, pausable=False)
    with pytest.raises(UsageError, match="function 'one': pausable is 1; give True or False"):
        App("shop").create_function(fn_id="one", trigger=PLACED, pausable=1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="app 'shop': pausable is 'yes'"):
        App("shop", pausable="yes")  # type: ignore[arg-type]


def test_manifest_and_outputs_say_which_functions_are_pausable_however_many_there_are(diary: Diary) -> None:
    app = shop(diary, pausable=True)
    manifest = Manifest.parse(Manifest.of(app).text("a:b"), "a:b")
    assert manifest.functions["ship"].is_pausable
    many = [FunctionFacts(f"function-{number}" * 5, 5, pausable=True) for number in range(200)]
    parts = parts_of_facts([*many, FunctionFacts("x" * 4_000, 5)])
    assert len(parts) > 1
    assert max(map(len, parts)) <= 4_000
    assert [facts for part in parts for facts in read_facts(part)] == many


def test_each_function_of_a_remote_app_is_pausable() -> None:
    described = {
        "id": "app-work",
        "triggers": [{"event": "placed"}],
        "steps": {"step": {"runtime": {"url": "http://x"}}},
    }
    manifest = read_manifest({"app_id": "app", "functions": [described]}, "http://x", "inngest-js:v4")
    assert manifest.tarry_functions("shop", lambda *_: None)["app-work"].is_pausable  # type: ignore[arg-type]


def test_the_line_of_a_resumed_function_goes_on_at_twenty_runs_a_second(app: App, host: Host) -> None:
    begun: list[int] = []

    @app.create_function(fn_id="ship", trigger=PLACED, pausable=True)
    async def ship(ctx: Context) -> None:
        begun.append(ctx.event.data["n"])

    host.pause("ship")
    host.advance("11s")
    host.send(placed(*range(2 * AT_ONCE + 50)))
    assert len(waiting(host)) == 2 * AT_ONCE + 50
    host.resume("ship")
    host.advance("16s")
    assert sorted(begun) == list(range(AT_ONCE))
    host.advance("5s")
    assert sorted(begun) == list(range(2 * AT_ONCE))
    host.advance("5s")
    assert sorted(begun) == list(range(2 * AT_ONCE + 50))
    assert not waiting(host)
    host.advance("10m")
    assert len(begun) == 2 * AT_ONCE + 50


def test_a_run_that_ends_while_it_waits_leaves_the_line(host: Host, diary: Diary) -> None:
    deploy(shop(diary, pausable=True, cancel=Cancel(event="gone", match="data.n"), timeouts=Timeouts(start="30m")))
    host.pause("ship")
    host.advance("11s")
    host.send(placed(0, 1))
    host.send(Event("gone", {"n": 0}))
    assert [run.status for run in host.runs("ship")] == ["cancelled", "running"]
    assert len(waiting(host)) == 1
    host.advance("31m")  # the time to start holds while a run waits
    assert [run.status for run in host.runs("ship")] == ["cancelled", "cancelled"]
    assert not waiting(host)


def test_a_run_that_waited_in_a_pause_goes_on_when_the_option_is_taken_away(host: Host, diary: Diary) -> None:
    deploy(shop(diary, pausable=True))
    host.pause("ship")
    host.advance("11s")
    host.send(placed(0))
    deploy(shop(diary))
    host.advance("10m")
    assert diary.entries == ["pack 0"]
    assert not waiting(host)


def test_an_executor_that_knows_no_better_parks_a_run_behind_the_look_and_the_sweep_lets_it_go(
    host: Host, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One executor reads that it is paused, and is slow: its run stands in line after the line was let go.

    person      resumes ── look, 15 s later: nobody, cleared
    executor    paused ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ in line ── mark ── the sweep's look
    """
    deploy(shop(diary, pausable=True))
    host.pause("ship")
    host.advance("11s")
    host.send(placed(0))
    controls = runtime().store.controls
    old = controls.of("ship")
    host.resume("ship")
    host.advance("1m")
    assert diary.entries == ["pack 0"]
    with monkeypatch.context() as patch:
        patch.setattr(controls, "recent", lambda _: old)
        host.send(placed(1))
    assert (diary.entries, len(waiting(host))) == (["pack 0"], 1)
    host.advance("3m")
    assert diary.entries == ["pack 0", "pack 1"]
    assert not waiting(host)


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize("when", ["in the pause", "after it"])
def test_a_run_goes_on_once_wherever_an_executor_dies(host: Host, diary: Diary, call: int, when: str) -> None:
    calls = Counter[str]()

    def die(each: Call) -> bool:
        calls["calls"] += each.function == "executor" and not each.answered
        return calls["calls"] == call and each.function == "executor" and not each.answered

    def rest() -> None:
        host.resume("ship")
        host.advance("3h")

    deploy(shop(diary, pausable=True))
    host.pause("ship")
    host.advance("11s")
    if when == "in the pause":
        with host.cloud.dies(die):
            host.send(placed(0, 1))
            host.advance("1h")
        assert diary.entries == []
        rest()
    else:
        host.send(placed(0, 1))
        with host.cloud.dies(die):
            rest()
    assert sorted(map(str, set(diary.entries))) == [
        "pack 0",
        "pack 1",
        "ship 0",
        "ship 1",
    ]  # a body may be cut off, and run again
    assert [run.status for run in host.runs("ship")] == ["finished"] * 2
    assert not waiting(host)


@pytest.mark.parametrize("seed", range(4))
def test_with_duplicates_and_disorder_nothing_is_lost_or_done_twice_over_several_pauses(
    app: App, diary: Diary, seed: int
) -> None:
    shop(diary, app=app, pausable=True)
    with Cloud(app, clock=MovedClock()) as cloud:
        cloud.chaos = Chaos(seed=seed, processes=2, at_once=2, duplicates=0.4, disorder=0.4)
        host = Host(cloud)
        for turn in range(3):
            host.send(placed(*range(10 * turn, 10 * turn + 5)))
            host.pause("ship")
            host.send(placed(*range(10 * turn + 5, 10 * turn + 10)))
            host.advance("7s")
            host.send([Event("paid", {"n": number}) for number in range(10 * turn, 10 * turn + 10)])
            host.advance("1m")
            host.resume("ship")
            host.advance("4s" if turn % 2 else "40s")
        host.advance("3h")
        assert Counter(diary.entries) == Counter(f"{what} {n}" for what in ("pack", "ship") for n in range(30))
        assert [run.status for run in host.runs("ship")] == ["finished"] * 30
        assert not waiting(host)


def test_a_keyed_limit_and_a_pause_wait_in_two_lines_and_none_is_forgotten(app: App, host: Host, diary: Diary) -> None:
    shop(diary, app=app, concurrency=Concurrency(1, key="event.data.n", hold="run"))
    host.send(placed(0))
    host.send([Event("placed", {"n": 0}, id="second")])  # waits at its own gate
    host.pause("ship")
    host.advance("11s")
    host.send(Event("paid", {"n": 0}))
    host.advance("2h")
    assert diary.entries == ["pack 0"]
    host.resume("ship")
    host.advance("10m")
    assert diary.entries == ["pack 0", "ship 0", "pack 0"]
