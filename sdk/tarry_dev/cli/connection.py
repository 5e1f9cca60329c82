"""The app that a command talks to: its store, bus and queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry._wire.bus import EventBus
    from tarry.signals import Signals
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.deploy.outputs import Deployment
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_dev.dead_letters import DeadLetters

__all__ = ["Connection"]


@dataclass(frozen=True)
class Connection:
    """An app to query. ``outputs`` are its stack's outputs; ``tarry dev`` has the signals Lambda alone."""

    deployment: Deployment
    store: Store
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def functions(self) -> tuple[str, ...]:
        """The ids of the app's current functions."""
        return self.deployment.functions

    def attempts(self, function_id: str) -> int | None:
        """Return how many attempts the steps of a function have; ``None`` if that is not known."""
        return next((each.attempts for each in self.deployment.facts if each.id == function_id), None)

    def receipt(self, received: ReceivedEvent) -> Receipt:
        """Return an event's receipt."""
        from tarry_backend.api.receipts import receipt

        told = self.deployment
        return receipt(received, told.app_id, told.functions, self.store, facts=told.facts)

    @cached_property
    def bus(self) -> EventBus:
        """The bus for its events."""
        from tarry._wire.bus import EventBus

        return EventBus(self.deployment.app_id, self.deployment.settings.bus)

    @cached_property
    def signals(self) -> Signals:
        """The sender of signals to its runs."""
        from tarry.signals import Signals
        from tarry_backend.deploy.outputs import SIGNALS_FUNCTION
        from tarry_dev.cli.errors import CommandError

        if SIGNALS_FUNCTION not in self.outputs:
            raise CommandError(
                f"this stack has no output {SIGNALS_FUNCTION}: an older version of Tarry deployed it, without a Lambda"
                " for signals; deploy it again (cdk deploy)"
            )
        return Signals(self.outputs[SIGNALS_FUNCTION])

    @cached_property
    def queues(self) -> Queues:
        """The sender of messages to its Lambdas."""
        from tarry_backend.queues.sender import Queues

        return Queues(self.deployment.settings)

    @cached_property
    def dead_letters(self) -> dict[str, DeadLetters]:
        """The dead-letter queues by the names of their queues."""
        import boto3

        from tarry_dev.dead_letters import DeadLetters

        client = boto3.client("sqs")
        return {
            name: DeadLetters(client, name, getattr(self.deployment.settings, f"{name}_queue"), url)
            for name, url in self.deployment.dead_letters.items()
        }
