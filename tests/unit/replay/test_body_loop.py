"""Async bodies of steps share an event loop that outlives each replay: a client of a module lives as long."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tarry import Context
from tarry_backend.replay import Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, output_of
from tests.unit.replay.till import AnyioClient, Bank, Client, HttpxClient, Pool, bank


@pytest.fixture
def till() -> Iterator[Bank]:
    with bank() as opened:
        yield opened


@pytest.fixture(params=[Pool, HttpxClient, AnyioClient])
def client(request: pytest.FixtureRequest, till: Bank) -> Iterator[Client]:
    """A client as a module has it: made once, outside of all functions."""
    made: Client = request.param(till.port)
    yield made

    async def ship(ctx: Context) -> None:
        await ctx.step.run("close", made.close)

    assert output_of(MemoryRun(durable(ship)).replay()) is None


def test_a_client_of_a_module_outlives_the_replay_and_each_request_is_sent_once(
    face: Face, till: Bank, client: Client
) -> None:
    async def ship(ctx: Context) -> list[str]:
        first = await ctx.step.run("charge", client.post, "/charge")
        await ctx.step.wait_for_event("packed", event="packed", timeout="1d")
        return [first, await ctx.step.run("deliver", lambda: client.post("/deliver"))]

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.receive("packed")) == ["paid", "paid"]
    assert till.seen == {"/charge": 1, "/deliver": 1}


def test_runs_side_by_side_share_a_client_of_a_module(face: Face, till: Bank, client: Client) -> None:
    together = threading.Barrier(4)

    async def ship(ctx: Context) -> list[str]:
        await ctx.step.run("meet", together.wait, 10)
        paths = [f"/{ctx.event.data['order']}/{number}" for number in range(5)]
        return [await ctx.step.run(path, client.post, path) for path in paths]

    def replay(number: int) -> None:
        outputs.append(output_of(MemoryRun(durable(face(ship))).replay()))

    outputs: list[list[str]] = []
    runs = [threading.Thread(target=replay, args=[number]) for number in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert outputs == [["paid"] * 5] * 4
    assert set(till.seen.values()) == {4}
    assert len(till.seen) == 5


def test_bodies_of_all_runs_are_on_one_loop_and_the_function_is_on_its_own() -> None:
    bodies: list[asyncio.AbstractEventLoop] = []
    functions: list[asyncio.AbstractEventLoop] = []

    async def body() -> None:
        bodies.append(asyncio.get_running_loop())

    async def ship(ctx: Context) -> None:
        functions.append(asyncio.get_running_loop())
        await ctx.step.run("pack", body)
        await ctx.step.run("label", lambda: body())

    for _ in range(2):
        MemoryRun(durable(ship)).replay()
    assert len({id(loop) for loop in bodies}) == 1
    assert len({id(loop) for loop in [*functions, bodies[0]]}) == 3
