"""The workload as a durable function of AWS. ``worker.py`` runs it in the peer's environment."""

from __future__ import annotations

from typing import Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

__all__ = ["handler", "said"]

said: dict[str, str] = {}
"""The callback for which the function waits."""


def _workload(event: dict[str, Any], context: Any) -> None:
    for number in range(event["steps"]):
        context.step(lambda _, n=number: _result(n), name=f"step-{number:04}")
    for number in range(event["waits"]):
        if event["kind"] == "sleep":
            context.wait(Duration.from_seconds(event["seconds"]), name=f"wait-{number:04}")
        else:
            callback = context.create_callback(name=f"wait-{number:04}")
            said["callback"] = callback.callback_id
            callback.result()


def _result(number: int) -> dict[str, Any]:
    return {"number": number, "status": "done", "reference": f"reference-{number:06}", "note": "as good as any other"}


handler = durable_execution(_workload)
