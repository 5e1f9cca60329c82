"""The app that a command talks to: what is known of it, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

from tarry._engine.flow import Flow
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import Concurrency, Event, SignalReceipt
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.deploy.outputs import Deployment
    from tarry_backend.model.bulk import Bulk
    from tarry_backend.model.control import Control, HeldBack, Limited
    from tarry_backend.model.queue_length import QueueLength
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot, RunStatus
    from tarry_backend.model.step import Step
    from tarry_dev.dead_letters import DeadLetters

__all__ = ["Connection", "Lookups"]


class Lookups(Protocol):
    """What a command may ask of an app, or do to it: see ``tarry_dev.lookups.StoreLookups``."""

    def run(self, run_id: str) -> Run | None: ...
    def newest(self, run_id: str) -> Run | None: ...
    def snapshot(self, run_id: str) -> RunSnapshot | None: ...
    def newest_runs(
        self, functions: Sequence[str], statuses: Sequence[RunStatus], limit: int
    ) -> Sequence[RunSnapshot]: ...
    def run_ids(self, functions: Sequence[str], prefix: str) -> Sequence[str]: ...
    def running(self, function: str, since: int, until: int, limit: int | None = None) -> Sequence[str]: ...
    def open_waits(self, limit: int) -> Sequence[tuple[Run, Step]]: ...
    def newest_events(
        self, name: str | None, since: int, until: int, limit: int, on_page: Callable[[int], bool]
    ) -> Sequence[ReceivedEvent]: ...
    def events_of_id(self, event_id: str, name: str | None, since: int, until: int) -> Sequence[ReceivedEvent]: ...
    def event(self, asked: AskedEvent, since: str, on_page: Callable[[int], bool]) -> ReceivedEvent | None: ...
    def receipt(self, received: ReceivedEvent) -> Receipt: ...
    def send(self, events: Iterable[Event]) -> Sequence[str]: ...
    def put(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> Sequence[str]: ...
    def cancel(self, run_ids: Sequence[str]) -> None: ...
    def started(self, function: str, statuses: Sequence[RunStatus], since: int, until: int) -> Sequence[str]: ...
    def some_runs(self, run_ids: Sequence[str]) -> Sequence[Run]: ...
    def retry(self, run_id: str, step: str | None = None, asked_by: str | None = None) -> Run | str: ...
    def rerun(
        self, run_id: str, nonce: str, step: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Run | str: ...
    def bulk(self, bulk_id: str) -> Bulk | None: ...
    def begin_bulk(self, bulk_id: str, what: str, total: int, began: int) -> None: ...
    def tell_bulk(self, bulk_id: str, done: int, ended: str | None = None) -> Bulk: ...
    def stop_bulk(self, bulk_id: str) -> Bulk | None: ...
    def held_back(self, run: Run) -> HeldBack | None: ...
    def control(self, function: str) -> Control: ...
    def queue_lengths(self) -> Mapping[str, tuple[QueueLength, ...]]: ...
    def drain(self, function: str) -> Control: ...
    def pause(self, function: str) -> Control: ...
    def resume(self, function: str) -> Control: ...
    def limit(self, function: str, limit: int | None, of: Limited = "concurrency") -> Control: ...
    def signal(self, name: str, data: Any, signal_id: str | None, keep: str | None) -> SignalReceipt: ...


@dataclass(frozen=True)
class Connection:
    """An app to query. ``outputs`` are its stack's outputs; ``tarry dev`` has none.

    If it is several apps, ``app_of`` returns the app of a run that was found. ``url_of`` returns the address of the
    console that shows a run, and is called with the run's id.
    """

    deployment: Deployment
    lookups: Lookups
    outputs: Mapping[str, str] = field(default_factory=dict)
    app_of: Callable[[str], str | None] | None = None
    url_of: Callable[[str], str | None] | None = None

    @property
    def functions(self) -> tuple[str, ...]:
        """The ids of the app's current functions."""
        return self.deployment.functions

    def attempts(self, function_id: str) -> int | None:
        """Return how many attempts the steps of a function have; ``None`` if that is not known."""
        return next((each.attempts for each in self.deployment.facts if each.id == function_id), None)

    def facts(self, function_id: str) -> FunctionFacts | None:
        """Return what the stack says of a function; ``None`` if it says nothing."""
        return next((each for each in self.deployment.facts if each.id == function_id), None)

    def is_pausable(self, function_id: str) -> bool:
        """Return whether the function is known to ask for its control."""
        facts = self.facts(function_id)
        return facts is not None and facts.is_pausable

    def limits(self, function_id: str) -> tuple[Concurrency, ...]:
        """Return the limits on the function's runs at work, as far as they are known."""
        return next((each.limits for each in self.deployment.facts if each.id == function_id), ())

    def flow(self, function_id: str) -> Flow:
        """Return what limits the starts of the function's runs, as far as it is known."""
        return next((each.flow for each in self.deployment.facts if each.id == function_id), Flow())

    def named(self, document: dict[str, Any], run_id: str) -> dict[str, Any]:
        """Return the JSON document of a run, with its app if there are several."""
        return document if self.app_of is None else {"app": self.app_of(run_id), **document}

    def page(self, run_id: str) -> str | None:
        """Return the address of a run's page; ``None`` if no console is known that shows it."""
        url = None if self.url_of is None else self.url_of(run_id)
        return None if url is None else f"{url}/runs/{run_id}"

    def event_page(self, event: Event) -> str | None:
        """Return the address of an event's page; ``None`` if no console is known, or there are several apps."""
        url = None if self.url_of is None or self.app_of is not None else self.url_of("")
        if url is None:
            return None
        return f"{url}/events/{quote(event.id, safe='')}?{urlencode({'name': event.name, 'source': event.source})}"

    def called(self, run: Run) -> str:
        """Return what a table calls the function of a run: its id, with the app's if there are several."""
        return run.function_id if self.app_of is None else f"{self.app_of(run.id)}: {run.function_id}"

    @cached_property
    def dead_letters(self) -> dict[str, DeadLetters]:
        """The dead-letter queues by the names of their queues.

        Raises:
            CommandError: There are several apps.
        """
        if self.app_of is not None:
            raise CommandError("dead letters are those of one app: say of which, with --app ID")
        import boto3

        from tarry_dev.dead_letters import DeadLetters

        client = boto3.client("sqs")
        return {
            name: DeadLetters(client, name, getattr(self.deployment.settings, f"{name}_queue"), url)
            for name, url in self.deployment.dead_letters.items()
        }
