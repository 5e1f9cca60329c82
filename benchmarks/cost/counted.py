"""The Lambdas' own handlers, with what each invocation asks of AWS counted: ``said`` has the last one's counts."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.handlers import BUILTIN_HANDLERS

if TYPE_CHECKING:
    from botocore.model import OperationModel

__all__ = ["executor", "matcher", "said", "timers"]

_READS = ("GetItem", "BatchGetItem", "Query", "Scan")
"""Of these the emulator counts less than DynamoDB does: it counts nothing for a query that finds nothing."""

said: Counter[str] = Counter()


def matcher(event: Any, context: Any) -> Any:
    """Invoke the matcher."""
    return _invoke("matcher", event, context)


def executor(event: Any, context: Any) -> Any:
    """Invoke the executor."""
    return _invoke("executor", event, context)


def timers(event: Any, context: Any) -> Any:
    """Invoke the timers."""
    return _invoke("timers", event, context)


def _invoke(name: str, event: Any, context: Any) -> Any:
    said.clear()
    return importlib.import_module(f"tarry_backend.handlers.{name}").handler(event, context)


def _ask_for_units(params: dict[str, Any], model: OperationModel, **_: object) -> None:
    if model.input_shape and "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "TOTAL"


def _count(model: OperationModel, **_: object) -> None:
    said[model.service_model.service_name] += 1


def _add_units(parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
    capacity = parsed.get("ConsumedCapacity", [])
    if model.name not in _READS:
        said["writes"] += sum(
            each["CapacityUnits"] for each in ([capacity] if isinstance(capacity, dict) else capacity)
        )


BUILTIN_HANDLERS.extend(
    [
        ("before-parameter-build.dynamodb", _ask_for_units),
        ("before-call", _count),
        ("after-call.dynamodb", _add_units),
    ]
)
