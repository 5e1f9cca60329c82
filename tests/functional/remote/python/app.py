"""The functions of the tests, by the official Inngest SDK for Python: what runs it has an environment of its own."""

import asyncio
import datetime
import os
import sys
from collections import Counter

import fastapi
import inngest
import inngest.experimental.ai.openai
import inngest.fast_api
import uvicorn

client = inngest.Inngest(app_id="pyshop", is_production=not os.environ.get("INNGEST_DEV"))
bodies: dict[str, Counter] = {}


def ran(run_id: str, name: str) -> int:
    bodies.setdefault(run_id, Counter())[name] += 1
    return bodies[run_id][name]


@client.create_function(fn_id="drip", trigger=inngest.TriggerEvent(event="shop/signed.up"))
async def drip(ctx: inngest.Context) -> dict:
    await ctx.step.run("send welcome", lambda: asyncio.to_thread(ran, ctx.run_id, "welcome"))
    wait = {
        "event": "shop/confirmed",
        "timeout": datetime.timedelta(minutes=float(ctx.event.data.get("minutes", 2880))),
        "if_exp": "async.data.email == event.data.email",
    }
    if await ctx.step.wait_for_event("first", **wait):
        return {"outcome": "at once"}
    await ctx.step.run("send reminder", lambda: asyncio.to_thread(ran, ctx.run_id, "reminder"))
    late = await ctx.step.wait_for_event("second", **wait)
    return {"outcome": "late" if late else "never"}


@client.create_function(fn_id="parallel", trigger=inngest.TriggerEvent(event="shop/parallel"))
async def parallel(ctx: inngest.Context) -> list:
    async def body(name: str) -> str:
        ran(ctx.run_id, name)
        return name.upper()

    return list(
        await ctx.group.parallel(
            (lambda: ctx.step.run("a", lambda: body("a")), lambda: ctx.step.run("b", lambda: body("b")))
        )
    )


@client.create_function(fn_id="retries", trigger=inngest.TriggerEvent(event="shop/retries"), retries=3)
async def retries(ctx: inngest.Context) -> int:
    async def flaky() -> int:
        if (n := ran(ctx.run_id, "flaky")) < 3:
            raise ValueError(f"not yet: {n}")
        return n

    return await ctx.step.run("flaky", flaky)


async def report(ctx: inngest.Context) -> str:
    return str(ctx.event.data["error"]["message"])


@client.create_function(fn_id="fails", trigger=inngest.TriggerEvent(event="shop/fails"), retries=0, on_failure=report)
async def fails(ctx: inngest.Context) -> None:
    await ctx.step.sleep("short", datetime.timedelta(minutes=5))
    raise inngest.NonRetriableError("out of order")


@client.create_function(fn_id="pack", trigger=inngest.TriggerEvent(event="shop/pack"))
async def pack(ctx: inngest.Context) -> int:
    return int(ctx.event.data["box"]) * 2


@client.create_function(fn_id="invokes", trigger=inngest.TriggerEvent(event="shop/invokes"))
async def invokes(ctx: inngest.Context) -> object:
    packed = await ctx.step.invoke("pack it", function=pack, data={"box": ctx.event.data["box"]})
    await ctx.step.send_event("tell", inngest.Event(name="shop/told", data={"packed": packed}))
    return packed


@client.create_function(fn_id="big", trigger=inngest.TriggerEvent(event="shop/big"))
async def big(ctx: inngest.Context) -> int:
    async def part() -> str:
        return "x" * 1_000_000

    return sum([len(await ctx.step.run(f"part {n}", part)) for n in range(5)])


@client.create_function(fn_id="fetches", trigger=inngest.TriggerEvent(event="shop/fetches"))
async def fetches(ctx: inngest.Context) -> object:
    model = inngest.experimental.ai.openai.Adapter(
        auth_key="secret", base_url=str(ctx.event.data["url"]), model="small"
    )
    return await ctx.step.ai.infer("model", adapter=model, body={"ask": "how many?"})


app = fastapi.FastAPI()


@app.get("/bodies")
def count_bodies() -> list:
    return [
        {"runId": run_id, "name": name}
        for run_id, names in bodies.items()
        for name, times in names.items()
        for _ in range(times)
    ]


inngest.fast_api.serve(app, client, [drip, parallel, retries, fails, pack, invokes, big, fetches])


class Server(uvicorn.Server):
    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the tests read it


async def main() -> None:
    server = Server(uvicorn.Config(app, port=0, log_level="critical"))
    parent = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # ends with the tests
    parent.add_done_callback(lambda _: os._exit(0))
    await server.serve()


asyncio.run(main())
