"""The control of functions in tests, as the commands do it on a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.deploy.function_facts import FunctionFacts
from tarry_backend.queues.function_control import check_control, drain, pause, resume, set_limit
from tarry_backend.runtime import runtime

if TYPE_CHECKING:
    from typing import Any

    from tarry import Function
    from tarry_backend.model.control import Limited
    from tarry_dev.cloud.cloud import Cloud

__all__ = ["HostControls"]


class HostControls:
    """Pauses, drains and resumes functions of a hosted app, and gives them other limits."""

    cloud: Cloud

    def pause(self, function: Function[Any] | str) -> None:
        """Pause a function, as ``tarry pause`` does: none of its runs goes on until ``resume``.

        Args:
            function: A function with ``pausable=True``, or with a limit (``concurrency=``), or its id.

        Raises:
            ControlError: There is no such function, or it has neither.
        """
        pause(self._checked(function), runtime().store)

    def drain(self, function: Function[Any] | str) -> None:
        """Drain a function, as ``tarry drain`` does: it starts no run, and those that it has go on.

        Args:
            function: As for ``pause``.
        """
        drain(self._checked(function), runtime().store)

    def resume(self, function: Function[Any] | str) -> None:
        """Let a function go on that is paused or drains. Its runs that wait go on within 15 seconds of the clock.

        Args:
            function: As for ``pause``.
        """
        resume(self._checked(function), runtime().store, runtime().queues)
        self.cloud.pump()

    def limit(self, function: Function[Any] | str, limit: int | None, of: Limited = "concurrency") -> None:
        """Give a function another limit, as ``tarry limit`` does; ``None`` for that of its code.

        Args:
            function: A function with a limit of its own (``scope="fn"``), or its id.
            limit: How many of its runs are at work at a time, or begin in a period.
            of: The option whose limit it is.
        """
        set_limit(self._checked(function, limit=of), limit, runtime().store, runtime().queues, of)
        self.cloud.pump()

    def _checked(self, function: Function[Any] | str, *, limit: Limited | None = None) -> str:
        function_id = function if isinstance(function, str) else function.id
        functions = runtime().app.functions
        known = FunctionFacts.of(functions[function_id]) if function_id in functions else None
        check_control(function_id, tuple(functions), known, limit=limit)
        return function_id
