"""What a run awaits once steps of it were withdrawn."""

import asyncio

from tarry import Context
from tarry_backend.replay import Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of


def test_a_step_that_was_withdrawn_is_awaited_no_more() -> None:
    """Or the run would pause for a result that nothing brings."""

    async def ship(ctx: Context) -> None:
        await ctx.group.race([lambda: ctx.step.sleep("pause", "1h"), lambda: ctx.step.run("quick", int)])
        await asyncio.get_running_loop().create_future()

    assert "awaits something" in error_of(MemoryRun(durable(ship)).replay()).message


def test_a_step_that_was_withdrawn_leaves_the_others_awaited(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        async def raced() -> None:
            await ctx.group.race([lambda: ctx.step.sleep("short", "1h"), lambda: ctx.step.run("quick", int)])

        await ctx.group.parallel([lambda: ctx.step.sleep("long", "2h"), raced])

    assert MemoryRun(durable(face(ship))).replay() == Paused()
