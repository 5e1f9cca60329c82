"""The stack, deployed to MiniStack as the tests of tests/e2e deploy it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import app
from benchmarks.load.load import Put
from tarry.errors import TarryError
from tests.e2e.deployment import Deployment
from tests.e2e.emulator import MiniStack
from tests.e2e.outside import Stack

__all__ = ["Cloud", "deployed"]

_AT_ONCE = 16
_PER_REQUEST = 10
_PATIENCE = 900.0
_COUNTS = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]


@contextmanager
def deployed(scratch: Path) -> Iterator[Cloud]:
    """A cloud with the stack in it; it ends afterwards."""
    (folder := scratch / "cloud").mkdir()
    server = MiniStack(folder)
    try:
        cloud = server.cloud()
        deployment = Deployment(cloud, scratch / "project")
        (scratch / "project" / "shop.py").write_text(Path(app.__file__).read_text())
        deployment.bootstrap()
        deployment.deploy()
        yield Cloud(Stack(cloud, deployment.name))
    finally:
        server.stop()


class Cloud:
    """The deployed stack, from outside."""

    def __init__(self, stack: Stack) -> None:
        self.dynamodb = stack.client("dynamodb")
        self.table = stack.outputs["Table"]
        self._bus = stack.outputs["Bus"]
        self._queues = [stack.outputs[f"{name}Queue"] for name in ("Events", "Runs", "Timers")]
        self._events = stack.client("events")
        self._sqs = stack.client("sqs")

    def put(self, name: str, details: Sequence[str], rate: float | None) -> Put:
        """See ``Place``. With a rate each event is a request, made by one of several threads."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            start = time.time()
            if rate is None:
                pages = [details[first : first + _PER_REQUEST] for first in range(0, len(details), _PER_REQUEST)]
                list(threads.map(lambda page: self._put(name, page), pages))
                return Put([1000 * start] * len(details), 0.0)
            due = [start + place / rate for place in range(len(details))]
            requests = []
            for moment, text in zip(due, details, strict=True):
                time.sleep(max(0.0, moment - time.time()))
                requests.append(threads.submit(self._put, name, [text]))
            began = [request.result() for request in requests]
        late = max(actual - moment for actual, moment in zip(began, due, strict=True))
        return Put([1000 * moment for moment in due], 1000 * late)

    def rest(self) -> None:
        """See ``Place``. Asked twice, for a message may go from a queue not asked yet to one that has been."""
        end = time.monotonic() + _PATIENCE
        while messages := self._messages() or self._messages():
            if time.monotonic() > end:
                raise TarryError(f"{messages} messages are still in the queues after {_PATIENCE:.0f} s")
            time.sleep(0.5)

    def _put(self, name: str, details: Sequence[str]) -> float:
        began = time.time()
        place = {"EventBusName": self._bus, "Source": "tarry.load", "DetailType": name}
        answer = self._events.put_events(Entries=[{**place, "Detail": text} for text in details])
        if answer["FailedEntryCount"]:
            raise TarryError(f"the bus refused an event: {answer['Entries']}")
        return began

    def _messages(self) -> int:
        answers = [
            self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"] for url in self._queues
        ]
        return sum(int(answer[name]) for answer in answers for name in _COUNTS)
