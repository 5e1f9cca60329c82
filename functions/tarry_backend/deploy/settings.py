"""The environment of the Lambdas, read and checked once, at cold start."""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the environment variable ``TARRY_<FIELD>``; those without a default must be there.

    ``app`` is ``module:attribute``. The queues are URLs. ``settle_seconds`` is the longest index lag that is
    reckoned with; ``log_days`` how long events can be looked back for; ``run_days`` how long ended runs are kept;
    ``max_steps`` the most steps of one run.
    """

    app: str
    table: str
    bucket: str
    bus: str
    events_queue: str
    runs_queue: str
    timers_queue: str
    settle_seconds: int = 15
    log_days: int = 7
    run_days: int = 30
    max_steps: int = 1000

    @staticmethod
    def variable(field: str) -> str:
        """The environment variable that holds a field."""
        return f"TARRY_{field.upper()}"

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings from the environment; ``UsageError`` names every variable that is missing or wrong."""
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
