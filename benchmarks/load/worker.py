"""A process in which the handlers run, whichever is needed next. SQS and EventBridge are the other end of its pipe."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

__all__ = ["DONE", "PUT", "SENT", "work"]

SENT, PUT, DONE = "sent", "put", "done"
"""What a worker tells: messages it has sent to a queue, events it has put on the bus, ids that its batch has left."""

_TIMEOUT = 300


@dataclass(frozen=True, slots=True)
class _Context:
    """What Lambda gives each invocation beside its event."""

    function_name: str
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:000000000000:function:load"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _end: float = field(default_factory=lambda: time.monotonic() + _TIMEOUT)

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._end - time.monotonic()))


def work(pipe: Connection, environment: dict[str, str], log: Path) -> None:
    """Invokes a handler by its name with the records that it is sent, until it is sent None. What the handlers log
    goes to a file."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "TARRY_"))]:
        del os.environ[name]
    os.environ |= environment
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    _answer_for_aws(pipe)
    handlers = {name: import_module(f"tarry_backend.handlers.{name}").handler for name in ("matcher", "executor")}
    handlers["timers"] = import_module("tarry_backend.handlers.timers").handler
    while (order := pipe.recv()) is not None:
        name, records = order
        answer = handlers[name]({"Records": records}, _Context(name))
        pipe.send((DONE, name, [each["itemIdentifier"] for each in answer["batchItemFailures"]]))


def _answer_for_aws(pipe: Connection) -> None:
    """Every client that is made from here on asks this process, but for DynamoDB's."""
    from botocore.handlers import BUILTIN_HANDLERS

    one_at_a_time = Lock()  # runs of one batch go side by side

    def answer(model: Any, params: dict[str, Any], **_: object) -> tuple[_Accepted, dict[str, Any]] | None:
        service, operation = model.service_model.service_name, model.name
        if service == "dynamodb":
            return None
        asked = json.loads(params["body"])
        with one_at_a_time:
            match operation:
                case "SendMessageBatch":
                    pipe.send((SENT, asked["QueueUrl"], asked["Entries"]))
                    return _Accepted(), {"Successful": [], "Failed": []}
                case "PutEvents":
                    pipe.send((PUT, "bus", asked["Entries"]))
                    return _Accepted(), {"Entries": [{"EventId": "put"} for _ in asked["Entries"]]}
                case "ChangeMessageVisibility":
                    return _Accepted(), {}
        raise RuntimeError(f"a handler called {service} {operation}, for which nobody is here to answer")

    BUILTIN_HANDLERS.append(("before-call", answer))


class _Accepted:
    status_code = 200
