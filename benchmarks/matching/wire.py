"""What the matcher asks of AWS, counted where botocore sends it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.handlers import BUILTIN_HANDLERS

if TYPE_CHECKING:
    from botocore.model import OperationModel

__all__ = ["EVENTS_QUEUE", "READS", "RUNS_QUEUE", "TIMERS_QUEUE", "Traffic", "Wire"]

EVENTS_QUEUE, RUNS_QUEUE, TIMERS_QUEUE = (
    f"https://sqs.invalid/000000000000/{name}" for name in ("events", "runs.fifo", "timers")
)

READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
"""The operations that cost read units."""


@dataclass(slots=True)
class Traffic:
    """Requests by operation, bytes of their bodies and of the answers', units of DynamoDB, messages to the executor,
    and when the last of these was sent."""

    requests: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0
    received_bytes: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    resumed: int = 0
    last_sent: float = 0.0


class Wire:
    """Counts the traffic of every client that is made from here on, and answers for SQS, which is not there.

    ``traffic`` is what has gone since it was last taken. ``to_itself`` are the bodies of the messages that the
    matcher has sent to itself; of the others only their number is kept, as a matcher keeps nothing of them either,
    unless ``to_runs`` is a list, which then gets the bodies of the messages to the executor.
    """

    to_runs: list[str] | None = None

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.to_itself: list[str] = []
        # The way by which moto, too, reaches every client of every session made from here on.
        BUILTIN_HANDLERS.extend(
            [
                ("before-parameter-build.dynamodb", self._ask_for_units),
                ("before-parameter-build.sqs.SendMessageBatch", self._receive),
                ("before-call", self._count),
                ("after-call.dynamodb", self._add_units),
                ("after-call.dynamodb", self._add_bytes),
            ]
        )

    def take(self) -> Traffic:
        """The traffic since the last time."""
        taken, self.traffic = self.traffic, Traffic()
        return taken

    def _ask_for_units(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        if model.input_shape and "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _receive(self, params: dict[str, Any], **_: object) -> None:
        match params["QueueUrl"]:
            case url if url == RUNS_QUEUE:
                self.traffic.resumed += len(params["Entries"])
                self.traffic.last_sent = time.perf_counter()
                if self.to_runs is not None:
                    self.to_runs += [entry["MessageBody"] for entry in params["Entries"]]
            case url if url == EVENTS_QUEUE:
                self.to_itself += [entry["MessageBody"] for entry in params["Entries"]]

    def _count(
        self, model: OperationModel, params: dict[str, Any], **_: object
    ) -> tuple[_Accepted, dict[str, Any]] | None:
        self.traffic.requests[model.name] += 1
        self.traffic.sent_bytes += len(params["body"])
        match model.service_model.service_name, model.name:
            case "dynamodb", _:
                return None
            case "sqs", "SendMessageBatch":
                return _Accepted(), {"Successful": [], "Failed": []}
            case service, operation:
                raise RuntimeError(f"the matcher called {service} {operation}, for which nobody is here to answer")

    def _add_bytes(self, http_response: Any, **_: object) -> None:
        self.traffic.received_bytes += len(http_response.content)

    def _add_units(self, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        capacity = parsed.get("ConsumedCapacity", [])
        units = sum(each["CapacityUnits"] for each in ([capacity] if isinstance(capacity, dict) else capacity))
        if model.name in READS:
            self.traffic.read_units += units
        else:
            self.traffic.write_units += units


class _Accepted:
    status_code = 200
