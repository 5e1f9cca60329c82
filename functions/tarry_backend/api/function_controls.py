"""The answers of the HTTP API about functions: their limits, and what people have asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, get_args

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError

from tarry_backend.api.queue_lengths import queue_document, queue_lengths
from tarry_backend.model.control import Limited
from tarry_backend.model.moment import iso
from tarry_backend.queues.function_control import ControlError, check_control, drain, pause, resume, set_limit

if TYPE_CHECKING:
    from tarry_backend.api.documents import Document
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.deploy.manifest import HostedManifest, Manifest
    from tarry_backend.model.control import Control
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["FunctionControls"]

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class FunctionControls:
    """The functions of one app. An error with an HTTP status says what cannot be asked of one."""

    app: Manifest | HostedManifest
    store: Store
    queues: Queues

    def all(self) -> Document:
        """Return the functions, with their limits, what waits at them, and what people have asked of them."""
        functions = self.app.functions
        controls = {name: self.store.controls.of(name) for name, each in functions.items() if each.is_pausable}
        waiting = queue_lengths(functions.values(), self.store)
        rows = [
            {**_document(each, controls.get(name)), "waiting": [queue_document(length) for length in waiting[name]]}
            for name, each in functions.items()
        ]
        return {"functions": rows}

    def pause(self, function: str) -> Document:
        """Pause the function."""
        self._check(function)
        return self._answer(function, pause(function, self.store))

    def drain(self, function: str) -> Document:
        """Let the function start no more runs."""
        self._check(function)
        return self._answer(function, drain(function, self.store))

    def resume(self, function: str) -> Document:
        """Let a function go on that is paused or drains."""
        self._check(function)
        return self._answer(function, resume(function, self.store, self.queues))

    def limit(self, function: str, limit: str | None, of: str = "concurrency") -> Document:
        """Give an option of the function another limit; its code's without one."""
        option: Limited | None = next((each for each in get_args(Limited) if each == of), None)
        if option is None:
            raise BadRequestError(f"of={of[:80]!r}: give {', '.join(get_args(Limited))}, or leave it out")
        self._check(function, limit=option)
        if limit is not None and not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:5]) <= _MOST):
            raise BadRequestError(f"limit={limit[:80]!r}: give a number from 1 to {_MOST:,}, or leave it out")
        return self._answer(
            function, set_limit(function, None if limit is None else int(limit), self.store, self.queues, option)
        )

    def _check(self, function: str, *, limit: Limited | None = None) -> None:
        if function not in self.app.functions:
            raise NotFoundError(f"there is no function {function[:80]!r}")
        try:
            check_control(function, tuple(self.app.functions), self.app.functions[function], limit=limit)
        except ControlError as error:
            raise ServiceError(HTTPStatus.CONFLICT, str(error)) from None

    def _answer(self, function: str, control: Control) -> Document:
        return _document(self.app.functions[function], control)


def _document(function: FunctionFacts, control: Control | None) -> Document:
    return {
        "id": function.id,
        "pausable": function.is_pausable,
        "concurrency": [
            {"limit": each.limit, "key": each.key, "scope": each.scope, "hold": each.hold} for each in function.limits
        ],
        "limit_now": control and control.limit,
        "paused": control and iso(control.paused),
        "draining": control and iso(control.draining),
        **(control.starts_now if control else {}),
    }
