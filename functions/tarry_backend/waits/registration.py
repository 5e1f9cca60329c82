"""The registration of waits: their plans, with the keys by which events find them."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import DurationError, LimitError
from tarry_backend import matching
from tarry_backend.matching.keys import match_key
from tarry_backend.model.alternative import NAME_ONLY, Alternative
from tarry_backend.replay import Wait
from tarry_backend.store.traffic import shards_for

if TYPE_CHECKING:
    from tarry._cel.dialect import Dialect
    from tarry_backend.model.run import Run
    from tarry_backend.replay import WaitRequest
    from tarry_backend.store import Names
    from tarry_backend.store.traffic import Traffic

__all__ = ["MAX_BINDINGS", "Registration"]

_DAY = 86_400_000

MAX_BINDINGS = 64_000
"""The most characters of JSON that the conditions of a wait may use.

They are values of the event that started the run, and of ``where`` and ``bind``.
"""


class Registration:
    """The planner of one run's waits. ``source`` is the app's own: internal events count only from it."""

    def __init__(self, run: Run, source: str, names: Names, traffic: Traffic, log_days: int) -> None:
        self._run = run
        self._source = source
        self._names = names
        self._traffic = traffic
        self._log_days = log_days

    def wait(self, request: WaitRequest, dialect: Dialect = "tarry") -> Wait:
        """Return the requested wait, after writing the shapes that are new to its events' names.

        Its condition is evaluated in the dialect of the run's function.

        Raises:
            UsageError: The expression is not valid, or ``lookback`` reaches further back than the log.
        """
        if request.lookback is not None and request.lookback > self._log_days * _DAY:
            raise DurationError(
                f"lookback reaches further back than the log, which keeps events for {self._log_days} days: give at "
                f"most '{self._log_days}d', or raise log_days in the stack's tuning"
            )
        wait = self._planned(request, dialect)
        _check_bindings(wait)
        return wait

    def _planned(self, request: WaitRequest, dialect: Dialect) -> Wait:
        expression = matching.match_expression(request.match) if request.match else request.if_exp
        condition = matching.Condition(
            expression=expression,
            where=request.where,
            bind=request.bind,
            data_type=request.data_type,
            dialect=dialect,
        )
        condition = matching.of_own_source(request.event_name, condition, self._source)
        planned = matching.plan(request.event_name, condition, self._run.event)
        return Wait(
            event_name=request.event_name,
            expression=expression,
            where=condition.where,
            bind=request.bind,
            since=request.since,
            deadline=request.deadline,
            alternatives=self._findable(request.event_name, condition, planned.alternatives),
            note=planned.note,
            others=tuple(self._planned(other, dialect) for other in request.others),
            dialect=dialect,
        )

    def _findable(
        self, event_name: str, condition: matching.Condition, alternatives: tuple[Alternative, ...]
    ) -> tuple[Alternative, ...]:
        """Return the alternatives with shapes that the matcher uses, or the name alone if there are too many shapes."""
        keyed = [self._sharded(event_name, alternative) for alternative in alternatives]
        for alternative in keyed:
            if not alternative.shape.startswith(NAME_ONLY) and not self._names.add(event_name, alternative.shape):
                by_name = matching.plan(event_name, condition, self._run.event, indexed=False)
                return self._findable(event_name, condition, by_name.alternatives)
        return tuple(keyed)

    def _sharded(self, event_name: str, alternative: Alternative) -> Alternative:
        if alternative.shape != NAME_ONLY:
            return alternative
        shards = self._names.spread_waits(event_name, shards_for(self._traffic.count(event_name)))
        shape = f"{NAME_ONLY}{zlib.crc32(self._run.id.encode()) % shards}"
        key = match_key(event_name, shape, self._run.event)
        assert key is not None
        return replace(alternative, shape=shape, key=key)


def _check_bindings(wait: Wait) -> None:
    """Check the size of all alternatives, and of the values beside the expression: one step item has them all."""
    alternatives = (alternative.bindings for each in wait.all for alternative in each.alternatives)
    values = (given for each in wait.all for given in (each.where, each.bind) if given)
    if sum(len(json.dumps(each)) for each in (*alternatives, *values)) > MAX_BINDINGS:
        raise LimitError(
            f"the condition uses more than {MAX_BINDINGS:,} characters of the event that started the run, of where and "
            f"of bind; compare single fields"
        )
