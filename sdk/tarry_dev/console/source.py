"""What a console shows: one app, of the embedded cloud or of a stack, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tarry import Concurrency
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.deploy.outputs import Deployment
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_dev.dead_letters import DeadLetters
    from tarry_dev.lookups import StoreLookups

__all__ = ["Answer", "Clock", "LogLine", "PageError", "Source"]


class PageError(Exception):
    """A page cannot be shown, or an action cannot be done: what is wrong, and what to do.

    ``permission`` is the one that the visitor's role lacks, such as ``dynamodb:Query``.
    """

    def __init__(self, status: int, message: str, permission: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.permission = permission


class Answer(Protocol):
    """The answer to a query on the audit trail."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """The rows."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a run logged at ``at`` (Unix milliseconds), with the place in the user's code that logged it."""

    at: int
    level: str
    text: str
    place: str = ""


class Clock(Protocol):
    """The clock of ``tarry dev``, which a person may move."""

    @property
    def ahead(self) -> int:
        """By how many milliseconds it is ahead of real time."""

    def timers(self, limit: int) -> Sequence[tuple[int, str, str]]:
        """Return the next timers: their times in Unix milliseconds, what happens then, and the run's id if any."""

    def move(self, body: Mapping[str, Any]) -> int:
        """Move it as ``POST /advance`` does; return by how many milliseconds it moved."""


def _nothing(_: str) -> Sequence[LogLine]:
    return ()


def _silent(_: Exception) -> PageError | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Source:
    """An app to show. Only ``lookups`` and ``name`` are needed.

    Attributes:
        lookups: What is asked of the app's store, and done to it.
        name: What the console shows, such as ``stack shop-prod``.
        is_local: Whether it is on this machine: then a page may read the whole table, and reads it each second.
        dead_letters: Returns the dead-letter queues, by the names of their queues.
        ask: Answers a query on the audit trail; ``None`` if there is none.
        clock: The clock, if it can be moved.
        samples: Data of an event, by its name, as its event type declares them.
        newest_events: Returns the newest events of every name, if that needs no scan.
        log_lines: Returns the lines that a run logged, as far as they are known.
        read_log: Reads the lines that a run logged between two times, if a person asks for them.
        log_link: Returns a URL at which AWS shows them; ``None`` if it is not known.
        explain: Returns an error of AWS in words; ``None`` for another error.
        revision: Returns a number that grows with each change; ``None`` if changes are not seen here.
        permitted: Returns whether the role may do something, such as ``events:PutEvents``; ``None`` if not known.
    """

    lookups: StoreLookups
    name: str
    is_local: bool = False
    dead_letters: Callable[[], Mapping[str, DeadLetters]] = dict
    ask: Callable[[str], Answer] | None = None
    clock: Clock | None = None
    samples: Mapping[str, Any] = field(default_factory=dict)
    newest_events: Callable[[int], Sequence[ReceivedEvent]] | None = None
    log_lines: Callable[[str], Sequence[LogLine]] = _nothing
    read_log: Callable[[str, int, int], Sequence[LogLine]] | None = None
    log_link: Callable[[str], str | None] | None = None
    explain: Callable[[Exception], PageError | None] = _silent
    revision: Callable[[], int] | None = None
    permitted: Callable[[str], bool | None] = lambda _: None

    @property
    def deployment(self) -> Deployment:
        """The app and its resources."""
        return self.lookups.deployment

    @property
    def functions(self) -> tuple[str, ...]:
        """The ids of the app's functions."""
        return self.deployment.functions

    def facts(self, function_id: str) -> FunctionFacts | None:
        """Return the facts of a function, if they are known."""
        return next((each for each in self.deployment.facts if each.id == function_id), None)

    def is_pausable(self, function_id: str) -> bool:
        """Return whether the function is known to ask for its control."""
        facts = self.facts(function_id)
        return facts is not None and facts.is_pausable

    def limits(self, function_id: str) -> tuple[Concurrency, ...]:
        """Return the limits of a function, if they are known."""
        facts = self.facts(function_id)
        return () if facts is None else facts.limits
