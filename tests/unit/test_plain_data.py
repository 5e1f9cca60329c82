"""What ``tarry dev`` and its commands exchange: data of known classes, and nothing else."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from tarry import Event, SignalReceipt, SignalStatus
from tarry_backend.api.asked_event import Effect
from tarry_backend.model.cancellation import BY_HAND
from tarry_backend.model.failure import Failure
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run, RunSnapshot, RunStatus
from tarry_backend.model.step import Invocation, Signal, Status, Step, Wait
from tarry_dev.plain_data import _MODULES, read, written

EVENT = Event("order/paid", {"map": {"S": [1, 2.5, None, "\ud800"]}, "data": "Run"}, "e-1", 1, {"id": "u"}, "shop")
WAIT = Wait(
    event_name="a",
    expression="async.data.id == 1",
    since=Position(1, "e#1"),
    deadline=2,
    alternatives=(),
    unused=("x",),
)
STEP = Step(
    key="s", kind="run", status=Status.FAILED, begun_order=1, began=2, wait=WAIT, invocation=Invocation("f", "r"),
    signal=Signal("n"), error=Failure("ValueError", "no", "stack", ("builtins.ValueError",), True),
)  # fmt: skip
RUN = Run(
    id="r", function_id="f", event=EVENT, received_at=1, started=2, status=RunStatus.CANCELLED, cancellation=BY_HAND
)


def carried(value: Any) -> Any:
    """The value on the other side."""
    return read(json.loads(json.dumps(written(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, "a", True, 10**30],
        ("a", (1,)),
        {"a": [{"tuple": ["not one"]}], "fields": {}, "enum": ["Status", "done"]},
        RunSnapshot(RUN, (STEP,), has_remnants=True),
        Effect(RUN, "s"),
        SignalReceipt(SignalStatus.KEPT, "i", kept_until=datetime(2026, 1, 5, tzinfo=UTC)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_the_same_on_the_other_side(value: Any) -> None:
    assert carried(value) == value
    assert repr(carried(value)) == repr(value)


def test_what_does_not_count_for_equality_is_carried_too() -> None:
    error = carried(STEP).error
    assert (error.kinds, error.quiet) == (("builtins.ValueError",), True)


def test_each_known_class_is_where_it_is_said_to_be() -> None:
    for module, names in _MODULES.items():
        for name in names:
            assert getattr(import_module(module), name).__module__ == module


@dataclass
class Run2:
    """No class of Tarry's data."""


@pytest.mark.parametrize("value", [Run2(), object(), {1}, b"bytes"], ids=lambda value: type(value).__name__)
def test_a_value_of_another_class_is_not_sent(value: object) -> None:
    with pytest.raises(TypeError, match="no plain form"):
        written([value])


@pytest.mark.parametrize(
    "form", [{"data": "Popen", "fields": {"args": "ls"}}, {"enum": ["os.system", "ls"]}, {"unknown": 1}, {}]
)
def test_no_other_class_is_made_of_what_comes(form: Any) -> None:
    with pytest.raises(ValueError, match=r"no class|not data"):
        read([form])
