"""An app that commands speak to: its store, its bus, its queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry._wire.bus import EventBus
    from tarry.signals import Signals
    from tarry_backend.deploy.outputs import Deployment
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_dev.dead_letters import DeadLetters

__all__ = ["Connection"]


@dataclass(frozen=True)
class Connection:
    """An app that can be asked. ``outputs`` are all of its stack's; none where ``tarry dev`` runs it."""

    deployment: Deployment
    store: Store
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def functions(self) -> tuple[str, ...]:
        """The ids of the functions that the app has now."""
        return self.deployment.functions

    @cached_property
    def bus(self) -> EventBus:
        """Where its events go."""
        from tarry._wire.bus import EventBus

        return EventBus(self.deployment.app_id, self.deployment.settings.bus)

    @cached_property
    def signals(self) -> Signals:
        """By which its runs are sent signals."""
        from tarry.signals import Signals

        settings = self.deployment.settings
        return Signals(settings.table, settings.runs_queue)

    @cached_property
    def queues(self) -> Queues:
        """What tells its Lambdas something."""
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
