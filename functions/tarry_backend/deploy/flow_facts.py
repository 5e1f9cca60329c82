"""The flow control of a function as JSON, for the manifest and the stack's outputs."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tarry._engine.flow import Flow, flow_kind
from tarry.durations import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_flow", "written_flow"]


def written_flow(flow: Flow) -> list[dict[str, Any]]:
    """Return the flow control as JSON has it, at the end of a row: a function without any has no such element."""
    used = {each.name: value for each in fields(flow) if (value := getattr(flow, each.name)) is not None}
    return [{name: _written(option) for name, option in used.items()}] if used else []


def read_flow(written: Mapping[str, Mapping[str, Any]]) -> Flow:
    """Return what ``written_flow`` wrote."""
    return Flow(**{name: flow_kind(name)(**values) for name, values in written.items()})


def _written(option: Any) -> dict[str, Any]:
    values = {each.name: getattr(option, each.name) for each in fields(option) if each.init}
    return {
        name: milliseconds(value) if isinstance(value, timedelta) else value
        for name, value in values.items()
        if value is not None
    }
