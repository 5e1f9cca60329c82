"""Dead letters, put back: what was begun is gone on with."""

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Call, Host
from tests.functional.contract.plays import ThrottledError


def test_a_run_goes_on_though_its_wait_had_ended_before_its_message_became_a_dead_letter(app: App, host: Host) -> None:
    """executor    wait ended, kept ── fails      (ten times; dead letter)      redriven: nothing new to it, but it is
    not finished"""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="30d")
        return await ctx.step.run("ship", lambda: "shipped")

    writes = 0

    def throttled(call: Call) -> bool:
        """All writes but the first, which is the wait's end."""
        nonlocal writes
        if call.operation == "PutItem" and not call.answered:
            writes += 1
            if writes > 1:
                raise ThrottledError
        return False

    host.send("placed", {"id": "7"})
    with host.cloud.dies(throttled, function="executor"):
        host.send("paid", {"id": "7"})
        host.advance("3h")
    assert [letter.json["tarry"] for letter in host.dead_letters] == ["resume"]
    assert (host.run().status, host.run().steps["wait"].status) == ("running", "done")
    assert host.cloud.redrive("runs") == 1
    host.cloud.pump()
    assert host.run().output == "shipped"
