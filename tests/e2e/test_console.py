"""The console of a deployed stack, as ``tarry console`` serves it: read over HTTP, with the token that it prints."""

import re
import subprocess
import sys
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.e2e.cloud import Cloud
from tests.e2e.conftest import Tarry
from tests.e2e.emulator import ROOT
from tests.e2e.outside import Stack, eventually


class Console:
    """The pages, for one visitor."""

    def __init__(self, url: str) -> None:
        self._base = url.partition("/?")[0]
        self._opener: Any = build_opener(HTTPCookieProcessor(CookieJar()))
        assert "Runs" in self._read(Request(url))

    def page(self, path: str) -> str:
        return self._read(Request(f"{self._base}{path}"))

    def act(self, path: str, page: str, **fields: str) -> str:
        found = re.search(r'name="mark" value="(\w+)"', self.page(page))
        assert found
        body = urlencode({"mark": found[1], **fields}).encode()
        return self._read(Request(f"{self._base}{path}", body, {"Origin": self._base}))

    def _read(self, request: Request) -> str:
        with self._opener.open(request, timeout=60) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def console(cloud: Cloud, stack: Stack) -> Iterator[Console]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tarry_dev.cli", "console", "--stack", stack.name, "--no-browse"],
        env={**cloud.environment, "PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Console(re.findall(r"http://localhost:\d+/\?token=\S+", process.stdout.readline())[0])
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def test_the_console_shows_runs_a_run_and_what_an_event_missed(stack: Stack, tarry: Tarry, console: Console) -> None:
    tarry("send", "agent/task.requested", '{"taskId": "looked-at"}')
    run = stack.waiting("approval", "review", taskId="looked-at")
    assert run.id[:8] in console.page("/runs?function=approval&status=running")
    page = console.page(f"/runs/{run.id}")
    assert "Waits for agent/plan.reviewed where" in page
    assert "Send agent/plan.reviewed" in page

    [event_id] = tarry("send", "agent/plan.reviewed", '{"taskId": "another"}')["ids"]
    receipt = f"/events/{quote(event_id, safe='')}?name={quote('agent/plan.reviewed', safe='')}"
    eventually(lambda: "Open waits on this event that it does not match" in console.page(receipt))
    assert "does not hold:" in console.page(receipt)
    assert "another" in console.page(receipt)


def test_a_run_is_cancelled_from_the_console(stack: Stack, console: Console) -> None:
    stack.put("agent/task.requested", {"taskId": "cancelled-there"})
    run = stack.waiting("approval", "review", taskId="cancelled-there")
    page = f"/runs/{run.id}"
    assert "is being cancelled" in console.act(f"{page}/cancel", page)
    assert stack.ended("approval", taskId="cancelled-there").status == "cancelled"
    eventually(lambda: "cancelled" in console.page(page))


def test_dead_letters_are_put_back_from_the_console(stack: Stack, console: Console) -> None:
    sqs, dead = stack.client("sqs"), stack.outputs["TimersDeadLetters"]
    sqs.send_message(QueueUrl=dead, MessageBody="none of Tarry's")
    eventually(lambda: "1 dead letter" in console.page("/dead-letters"))
    assert "none of Tarry" in console.page("/dead-letters?look=timers")
    assert "are put back" in console.act("/dead-letters/timers/redrive", "/dead-letters")
    # It is no message of Tarry's, so it comes back in the end: it is taken away for the tests that follow.
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["TimersQueue"])
