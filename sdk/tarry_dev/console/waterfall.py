"""The waterfall of a run: a row for each step, on one time axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tarry_backend.model.step import END_OF_TIME, Status
from tarry_dev.console.time_axis import Axis, time_axis
from tarry_dev.console.words import mark_of

if TYPE_CHECKING:
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.model.step import Step

__all__ = ["Bar", "Waterfall", "waterfall"]

_LEAST = 0.5
"""The least width of a bar, in per cent."""

_BODIES = frozenset({"run", "send"})
"""The kinds of steps in which a body runs."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step on the axis: from ``left``, ``width`` wide, in per cent. ``mark`` names its colour.

    ``is_work`` is false of a step that only waits.
    """

    left: float
    width: float
    mark: str
    is_open: bool
    is_work: bool = True


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The axis, and the bars of the steps in their order."""

    axis: Axis
    bars: tuple[Bar, ...]
    whole: Bar


def waterfall(snapshot: RunSnapshot, now: int) -> Waterfall:
    """Return the waterfall of a run. What is open reaches to now."""
    run = snapshot.run
    steps = snapshot.steps
    begin = min([run.started, *(step.began for step in steps)])
    ends = [step.ended for step in steps if step.ended is not None]
    end = max([begin, *ends, run.ended if run.ended is not None else max(now, begin)])
    work = [
        (step.began, _end(step, now)) for step in steps if step.kind in _BODIES and step.status is not Status.RETRYING
    ]
    axis = time_axis(begin, end, work, [moment for step in steps for moment in (step.began, _end(step, end))])
    bars = tuple(
        replace(
            _bar(axis, step.began, _end(step, end), mark_of(step), step.is_open),
            is_work=step.kind in _BODIES and step.status is not Status.RETRYING,
        )
        for step in steps
    )
    return Waterfall(axis, bars, _bar(axis, begin, end, run.status.value, run.ended is None))


def _end(step: Step, now: int) -> int:
    if step.ended is not None:
        return step.ended
    return max(step.began, now if now < END_OF_TIME else step.began)


def _bar(axis: Axis, begin: int, end: int, mark: str, is_open: bool) -> Bar:
    left, right = axis.at(begin), axis.at(end)
    width = max(right - left, _LEAST)
    return Bar(round(min(left, 100 - width), 2), round(width, 2), mark, is_open)
