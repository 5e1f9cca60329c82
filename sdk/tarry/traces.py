"""OpenTelemetry: a trace for each run, over all of its invocations. It needs ``pip install 'tarry[traces]'``.

    app = tarry.App("shop", middleware=[Traces()])

The tracer provider and its exporter are yours. The ids of trace and spans follow from the run's id, so the parts that
several invocations export are one trace, and what is exported twice has the same ids.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import leaves
from tarry._extras import explained
from tarry.errors import NonRetriableError, StepError
from tarry.middleware import Middleware

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextvars import Token

    from opentelemetry.trace import Link, Span, Tracer, TracerProvider

    from tarry.context import Context, ContextSync
    from tarry.event import Event
    from tarry.function import Function
    from tarry.middleware import Status, StepInfo

__all__ = ["TRACEPARENT", "Traces"]

TRACEPARENT = "_traceparent"
"""The key in an event's data under which its sender's span stands, as W3C writes it (``traceparent``)."""

_OTHERS = frozenset({"wait", "sleep", "invoke", "signal"})
"""The kinds of steps without a body, whose spans begin and end by what is stored."""

_MS = 1_000_000


class Traces:
    """The tracing of an app's runs. Give it as middleware.

    Args:
        provider: The tracer provider; by default the one that ``opentelemetry.trace`` has then.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider

    def __call__(self) -> Middleware:
        """Return the middleware of one invocation."""
        return _Traced(self)

    @cached_property
    def tracer(self) -> Tracer:
        """The tracer, with ids that follow from runs, if the provider is that of OpenTelemetry's SDK."""
        trace = _trace()
        provider = self._provider or trace.get_tracer_provider()
        made: Tracer = provider.get_tracer("tarry")
        if hasattr(made, "id_generator"):
            made.id_generator = self.ids
        return made

    @cached_property
    def ids(self) -> _Ids:
        """The ids of the next span."""
        return _Ids()


class _Ids:
    """The ids of the tracer's next span. Its calls come one at a time, with nothing between ``next`` and the span."""

    def __init__(self) -> None:
        self._trace_id = self._span_id = 0

    @contextmanager
    def next(self, run_id: str, *parts: object) -> Iterator[None]:
        """Within it, a span has the ids of that part of that run."""
        self._trace_id = _hash(16, run_id)
        self._span_id = _hash(8, run_id, *parts)
        yield

    def generate_trace_id(self) -> int:
        """Return the trace's id, for a span without a parent."""
        return self._trace_id

    def generate_span_id(self) -> int:
        """Return the span's id."""
        return self._span_id

    def is_trace_id_random(self) -> bool:
        """Return false: no randomness is in it, beyond the hash's."""
        return False


def _hash(size: int, *parts: object) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:size]) or 1


class _Traced(Middleware):
    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._root: Span | None = None
        self._open: dict[str, tuple[Span, Token[Any]]] = {}

    def transform_input(self, ctx: Context | ContextSync, function: Function) -> None:
        from opentelemetry.context import Context as Parents

        self._run_id, self._retries, self._attempt = ctx.run_id, function.retries.limit, ctx.attempt
        self._root = self._span(
            function.id,
            (),
            context=Parents(),
            start_time=ctx.event.ts * _MS,
            links=[link for event in ctx.events for link in _links(event.data)],
            attributes={"tarry.run": ctx.run_id, "tarry.function": function.id, "tarry.event": ctx.event.name},
        )

    def before_execution(self) -> None:
        from opentelemetry.context import attach

        attach(self._within())  # for the function's own task, which ends with the invocation

    def after_execution(self, status: Status, error: BaseException | None) -> None:
        if self._root is None or status == "paused":
            return
        if error is not None and not self._is_last(error):
            return
        if error is not None:
            _fail(self._root, error)
        self._root.end()

    def before_step(self, step: StepInfo) -> None:
        from opentelemetry.context import attach

        span = self._span(step.id, (step.id, step.attempt), context=self._within(), attributes=_attributes(step))
        self._open[step.id] = span, attach(self._within(span))

    def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> None:
        from opentelemetry.context import detach

        span, token = self._open.pop(step.id)
        detach(token)
        if error is not None:
            _fail(span, error)
        span.end()

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        if step.is_new and step.kind in _OTHERS and step.began is not None and step.ended is not None:
            data = output.get("data") if step.kind == "wait" and isinstance(output, dict) else None
            self._span(
                step.id,
                (step.id, step.attempt),
                context=self._within(),
                start_time=step.began * _MS,
                links=_links(data),
                attributes=_attributes(step),
            ).end(end_time=step.ended * _MS)
        return output

    def before_send_events(self, events: Sequence[Event]) -> Sequence[Event]:
        context = _trace().get_current_span().get_span_context()
        if not context.is_valid:
            return events
        text = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
        return [replace(event, data={**event.data, TRACEPARENT: text}) for event in events]

    def _span(self, name: str, parts: tuple[object, ...], **options: Any) -> Span:
        tracer = self._traces.tracer
        with self._traces.ids.next(self._run_id, *parts):
            return tracer.start_span(name, **options)

    def _within(self, span: Span | None = None) -> Any:
        chosen = span or self._root
        return None if chosen is None else _trace().set_span_in_context(chosen)

    def _is_last(self, error: BaseException) -> bool:
        """Return whether the function is not tried again. Else the run goes on, and so does its span."""
        is_final = any(isinstance(each, NonRetriableError | StepError) for each in leaves(error))
        return is_final or self._attempt >= self._retries


def _links(data: Mapping[str, Any] | None) -> list[Link]:
    """Return the link to the span that sent the event, if its data say which."""
    trace = _trace()
    try:
        _, trace_id, span_id, flags = str((data or {})[TRACEPARENT]).split("-")
        sender = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    except (KeyError, ValueError):
        return []
    return [trace.Link(sender)] if sender.is_valid else []


def _attributes(step: StepInfo) -> dict[str, str | int]:
    return {"tarry.step": step.id, "tarry.kind": step.kind, "tarry.attempt": step.attempt}


def _fail(span: Span, error: BaseException) -> None:
    from opentelemetry.trace import Status as SpanStatus
    from opentelemetry.trace import StatusCode

    span.record_exception(error)
    span.set_status(SpanStatus(StatusCode.ERROR, type(error).__name__))


def _trace() -> Any:
    try:
        from opentelemetry import trace
    except ModuleNotFoundError as error:
        raise explained(error) from error
    return trace
