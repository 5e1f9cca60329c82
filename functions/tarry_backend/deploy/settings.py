"""The environment of the Lambdas, read and checked once, at cold start."""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.deploy.topology import EVENTS, longest_redelivery

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the Lambdas. Each field is the environment variable ``TARRY_<FIELD>``.

    Attributes:
        app: The app, as ``module:attribute``.
        table: The name of the table.
        bucket: The name of the bucket for large values.
        bus: The name of the EventBridge bus.
        events_queue: The URL of the events queue.
        runs_queue: The URL of the runs queue.
        timers_queue: The URL of the timers queue.
        audit_stream: The ARN of the audit trail's Firehose stream; empty without an audit trail.
        settle_seconds: The longest lag of the index that Tarry expects.
        log_days: How many days waits can look back for events.
        run_days: How many days ended runs are stored.
        max_steps: The most steps of one run.
        version: What names the code of this deploy; ``""`` if nothing does.
        signing_secret: The secret with the signing key of remote apps; empty if the stack has none of them.
        event_secret: The secret with the key by which they send events.
        unsettled_seconds: How long after its reception an event may still get another matcher.
    """

    app: str
    table: str
    bucket: str
    bus: str
    events_queue: str
    runs_queue: str
    timers_queue: str
    audit_stream: str = ""
    settle_seconds: int = 15
    log_days: int = 7
    run_days: int = 30
    max_steps: int = 1000
    version: str = ""
    signing_secret: str = ""
    event_secret: str = ""
    unsettled_seconds: int = longest_redelivery(EVENTS.visibility_timeout, EVENTS.max_receives)

    @staticmethod
    def variable(field: str) -> str:
        """Return the environment variable of a field."""
        return f"TARRY_{field.upper()}"

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; raise ``UsageError`` with every variable that is missing or wrong."""
        values: dict[str, object] = {}
        wrong: list[str] = []
        for field in fields(cls):
            variable = cls.variable(field.name)
            text = environment.get(variable)
            if text is None:
                if field.default is MISSING:
                    wrong.append(f"{variable} is not set")
            elif field.type != "int":
                values[field.name] = text
            elif text.isdecimal():
                values[field.name] = int(text)
            else:
                wrong.append(f"{variable}={text!r} is not a whole number")
        if wrong:
            raise UsageError("the environment is not Tarry's: " + "; ".join(wrong))
        return cls(**values)  # type: ignore[arg-type]
