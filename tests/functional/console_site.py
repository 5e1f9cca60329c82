"""An app with a console, asked without a browser: on an embedded cloud whose clock the test moves."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import Client, TestResponse

import tarry
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.runtime import runtime
from tarry_dev.cloud.host import Host
from tarry_dev.console import Source, create_console
from tarry_dev.dead_letters import DeadLetters
from tarry_dev.lookups import StoreLookups

__all__ = ["Site", "make_app", "text_of"]


@dataclass
class Site:
    """The console of a host's app. Its client keeps cookies, as a browser does."""

    host: Host
    client: Client
    source: Source
    marks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, host: Host, **options: Any) -> "Site":
        cloud = host.cloud
        deployment = Deployment(cloud.app.id, tuple(cloud.app.functions), cloud.settings, {}, facts_of(cloud.app))
        lookups = StoreLookups(deployment, runtime().store, cloud.functions["signals"].function_name)

        def dead_letters() -> dict[str, DeadLetters]:
            return {
                name: DeadLetters(
                    cloud.clients.sqs, name, getattr(cloud.settings, f"{name}_queue"), each.dead_url, wait=0
                )
                for name, each in cloud.queues.items()
            }

        told = {name: options.pop(name) for name in list(options) if name in Source.__dataclass_fields__}
        source = Source(**{"lookups": lookups, "name": "shop", "is_local": True, "dead_letters": dead_letters, **told})
        return cls(host, Client(create_console(source, **options)), source)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, headers=headers, base_url="http://localhost")

    def page(self, path: str) -> str:
        """The text of a page that must be there, as a reader sees it."""
        answer = self.get(path)
        assert answer.status_code == 200, text_of(answer)
        return text_of(answer)

    def post(self, path: str, page: str = "/runs", **fields: str) -> TestResponse:
        """Post a form of a page: with the mark that the page had for it when it was first asked for."""
        if page not in self.marks:
            found = re.search(r'name="mark" value="(\w+)"', self.get(page).text)
            assert found
            self.marks[page] = found[1]
        data = {"mark": self.marks[page], **fields}
        return self.client.post(path, data=data, base_url="http://localhost", headers={"Origin": "http://localhost"})


def text_of(answer: TestResponse) -> str:
    """The words of a page, without its tags."""
    body = answer.text.partition("<main")[2] if "<main" in answer.text else answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def make_app() -> tarry.App:
    """An app whose order waits for its payment, and fails if its total is too high."""
    app = tarry.App("shop")

    def charge(total: int) -> dict[str, int]:
        if total > 900:
            raise tarry.NonRetriableError(f"the card is refused for {total}")
        return {"charged": total}

    @app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"), concurrency=100)
    async def order(ctx: tarry.Context) -> Any:
        await ctx.step.run("charge", charge, ctx.event.data["total"])
        paid = await ctx.step.wait_for_event(
            "wait-for-payment",
            event="order/paid",
            if_exp="async.data.id == event.data.id && async.data.amount >= event.data.total",
            timeout="3d",
        )
        return None if paid is None else paid.data

    @app.create_function(fn_id="digest", trigger=tarry.TriggerEvent("digest/asked", "event.data.size > 10"))
    async def digest(ctx: tarry.Context) -> Any:
        return await ctx.step.wait_for_signal("wait-to-go", signal="go", timeout="1h")

    return app
